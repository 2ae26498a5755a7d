package io.pgconductor.benchmark;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The results, as a table that grows while they come in, and as JSON in the end.
 */
final class Report {

	private static final String FORMAT = "%-11s %-56s %10s %-10s %7s  %-8s %s%n";

	private final Map<String, String> machine;

	private final Map<String, String> settings;

	private final BenchmarkOptions options;

	private final Instant startedAt = Instant.now();

	private final List<Line> lines = new ArrayList<>();

	private record Document(Instant startedAt, Map<String, String> machine, Map<String, String> settings,
			BenchmarkOptions options, List<Line> lines) {
	}

	Report(Map<String, String> machine, Map<String, String> settings, BenchmarkOptions options) {
		this.machine = machine;
		this.settings = settings;
		this.options = options;
	}

	void begin() {
		this.machine.forEach((name, value) -> System.out.printf("%-28s %s%n", name, value));
		this.settings.forEach((name, value) -> System.out.printf("%-28s %s%n", name, value));
		System.out.println(this.options);
		System.out.println();
		System.out.printf(FORMAT, "scenario", "subject", "value", "unit", "ratio", "target", "");
	}

	Line add(Line line) {
		this.lines.add(line);
		System.out.printf(FORMAT, line.scenario(), line.subject(), number(line.value()), line.unit(),
				(line.ratio() != null) ? String.format(Locale.ROOT, "%.2f", line.ratio()) : "", orEmpty(line.target()),
				((line.met() != null) ? verdict(line) + " " : "") + ((line.samples().size() > 1) ? spread(line) : ""));
		return line;
	}

	private static String spread(Line line) {
		return line.samples().stream().map(Report::number).collect(Collectors.joining(" ", "[", "]"));
	}

	private static String verdict(Line line) {
		return (Boolean.TRUE.equals(line.met()) ? "met" : "MISSED")
				+ ((line.against() != null) ? ", against " + line.against() : "");
	}

	private static String number(double value) {
		return String.format(Locale.ROOT, (value >= 1000) ? "%,.0f" : "%.2f", value);
	}

	private static String orEmpty(@Nullable String text) {
		return (text != null) ? text : "";
	}

	void end(Path file) {
		JsonMapper mapper = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
		Document document = new Document(this.startedAt, this.machine, this.settings, this.options, this.lines);
		System.out.println();
		System.out.println(mapper.writeValueAsString(document));
		mapper.writeValue(file, document);
	}

}
