package io.pgconductor.benchmark;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Runs the benchmarks.
 */
public final class Benchmarks {

	private static final List<Scenario> SCENARIOS = List.of(new ProcessRate(), new EnqueueRate(), new EmitRate(),
			new RowChanges(), new Limits(), new Latency(), new StepRate(), new ChildHop(), new FanOut(), new Flatness(),
			new WriteCost(), new IdleNode(), new Sleepers());

	private static final Path RESULTS = Path.of("target", "benchmarks.json");

	private Benchmarks() {
	}

	/**
	 * Run the benchmarks, print the results, and write them to
	 * {@code target/benchmarks.json}.
	 * @param args see {@link BenchmarkOptions#USAGE}
	 * @throws IOException if the results cannot be written
	 */
	public static void main(String[] args) throws IOException {
		BenchmarkOptions options;
		try {
			options = BenchmarkOptions.parse(args);
		}
		catch (IllegalArgumentException ex) {
			System.err.println(ex.getMessage());
			System.err.printf(BenchmarkOptions.USAGE,
					SCENARIOS.stream().map(Scenario::name).collect(Collectors.joining(", ")));
			return;
		}
		try (BenchmarkServer server = new BenchmarkServer();
				BenchmarkDatabase database = new BenchmarkDatabase(server.jdbcUrl())) {
			Report report = new Report(machine(), settings(server, database), options);
			report.begin();
			ProcessRate.warmUp(database, options.executions());
			for (Scenario scenario : SCENARIOS) {
				if (options.selects(scenario.name())) {
					database.reset();
					scenario.run(database, options, report);
				}
			}
			Files.createDirectories(RESULTS.toAbsolutePath().getParent());
			report.end(RESULTS);
		}
	}

	private static Map<String, String> machine() throws IOException {
		Map<String, String> machine = new LinkedHashMap<>();
		machine.put("processors", processor() + ", " + Runtime.getRuntime().availableProcessors() + " available");
		machine.put("operating system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
		machine.put("JVM", System.getProperty("java.vm.name") + " " + Runtime.version());
		// Others who work on the machine show here
		machine.put("load average at the start",
				String.valueOf(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()));
		return machine;
	}

	private static String processor() throws IOException {
		Path info = Path.of("/proc/cpuinfo");
		if (!Files.exists(info)) {
			return System.getProperty("os.arch");
		}
		return Files.readAllLines(info)
			.stream()
			.filter((line) -> line.startsWith("model name"))
			.map((line) -> line.substring(line.indexOf(':') + 1).strip())
			.findFirst()
			.orElse(System.getProperty("os.arch"));
	}

	private static Map<String, String> settings(BenchmarkServer server, BenchmarkDatabase database) {
		Map<String, String> settings = new LinkedHashMap<>();
		settings.put("PostgreSQL", database.sql("show server_version").query(String.class).single());
		for (String name : server.settingNames()) {
			settings.put(name, database.sql("select current_setting(?)").param(name).query(String.class).single());
		}
		return settings;
	}

}
