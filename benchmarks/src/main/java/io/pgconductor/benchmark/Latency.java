package io.pgconductor.benchmark;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * How long it takes from the commit in another process to the handler's start, while
 * nothing else happens, beside a bare loop that LISTENs and claims with the same
 * statement.
 * <p>
 * Both processes read the monotonic clock, which those of one Linux machine share. The
 * invoking one reads it when the commit has returned.
 */
final class Latency implements Scenario {

	private static final int WARM_UP = 50;

	private static final int SAMPLES_PER_ROUND = 150;

	@Override
	public String name() {
		return "latency";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		List<Double> bare = new ArrayList<>();
		List<Double> engine = new ArrayList<>();
		while (engine.size() < options.samples()) {
			bare.addAll(bare(database));
			engine.addAll(engine(database));
		}
		compare(report, bare, engine, 0.5, "p50", 1.5);
		compare(report, bare, engine, 0.99, "p99", 2);
	}

	private void compare(Report report, List<Double> bare, List<Double> engine, double percentile, String label,
			double target) {
		Line floor = report.add(Line.of(name(), "bare LISTEN loop, " + label, percentile(bare, percentile), "ms"));
		report.add(Line.of(name(), "engine, " + label, percentile(engine, percentile), "ms")
			.against(floor, Target.atMost(target)));
	}

	private static List<Double> engine(BenchmarkDatabase database) {
		database.reset();
		ConcurrentMap<Long, Long> started = new ConcurrentHashMap<>();
		try (EngineNode node = new EngineNode(database, (event, context) -> {
			Order order = (Order) event.payload();
			started.put((order != null) ? order.order() : -1, System.nanoTime());
			return null;
		})) {
			node.start();
			return measure(database, LatencyInvoker.ENGINE, started);
		}
	}

	private static List<Double> bare(BenchmarkDatabase database) {
		database.reset();
		ConcurrentMap<Long, Long> started = new ConcurrentHashMap<>();
		try (ListenLoop loop = new ListenLoop(database, (order) -> started.put(order.order(), System.nanoTime()))) {
			loop.start();
			return measure(database, LatencyInvoker.BARE, started);
		}
	}

	private static List<Double> measure(BenchmarkDatabase database, String side, ConcurrentMap<Long, Long> started) {
		int count = WARM_UP + SAMPLES_PER_ROUND;
		Map<Long, Long> committed = invokeFromAnotherProcess(database, side, count);
		Waiting.until(() -> started.size() == count);
		List<Double> latencies = new ArrayList<>();
		committed.forEach((number, nanos) -> {
			if (number >= WARM_UP) {
				latencies.add((started.getOrDefault(number, 0L) - nanos) / 1e6);
			}
		});
		return latencies;
	}

	private static Map<Long, Long> invokeFromAnotherProcess(BenchmarkDatabase database, String side, int count) {
		try {
			Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
					"-cp", System.getProperty("java.class.path"), LatencyInvoker.class.getName(), database.jdbcUrl(),
					side, String.valueOf(count))
				.redirectError(Redirect.INHERIT)
				.start();
			Map<Long, Long> committed = new HashMap<>();
			String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			output.lines()
				.map((line) -> line.split(" "))
				.forEach((fields) -> committed.put(Long.valueOf(fields[0]), Long.valueOf(fields[1])));
			if (process.waitFor() != 0 || committed.size() != count) {
				throw new IllegalStateException("The invoking process failed: " + output);
			}
			return committed;
		}
		catch (IOException | InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static double percentile(List<Double> values, double percentile) {
		List<Double> sorted = new ArrayList<>(values);
		Collections.sort(sorted);
		return sorted.get(Math.min(sorted.size() - 1, (int) (percentile * sorted.size())));
	}

}
