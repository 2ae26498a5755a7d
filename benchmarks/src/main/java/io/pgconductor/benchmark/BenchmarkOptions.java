package io.pgconductor.benchmark;

import java.util.Arrays;
import java.util.List;

/**
 * What to run, and how much of it.
 *
 * @param only names of the scenarios to run; empty: all
 * @param executions per run
 * @param rounds how often each run is repeated, interleaved with those it is compared
 * with; the median counts
 * @param bystanders how many rows that are not to be run lie about where flatness is
 * measured
 * @param samples how many latencies are taken
 */
record BenchmarkOptions(List<String> only, int executions, int rounds, int bystanders, int samples) {

	private static final BenchmarkOptions FULL = new BenchmarkOptions(List.of(), 100_000, 5, 1_000_000, 600);

	private static final BenchmarkOptions QUICK = new BenchmarkOptions(List.of(), 30_000, 2, 100_000, 100);

	static final String USAGE = """
			--only=a,b        these scenarios only: %s
			--executions=n    executions per run (100000)
			--rounds=n        repetitions of which the median counts (5)
			--bystanders=n    rows that lie about where flatness is measured (1000000)
			--samples=n       latencies taken (600)
			--quick           small numbers, to see that everything works
			""";

	static BenchmarkOptions parse(String... args) {
		BenchmarkOptions options = Arrays.asList(args).contains("--quick") ? QUICK : FULL;
		for (String arg : args) {
			options = options.with(arg);
		}
		return options;
	}

	private BenchmarkOptions with(String arg) {
		String value = arg.substring(arg.indexOf('=') + 1);
		return switch (arg.contains("=") ? arg.substring(0, arg.indexOf('=')) : arg) {
			case "--quick" -> this;
			case "--only" -> new BenchmarkOptions(List.of(value.split(",")), this.executions, this.rounds,
					this.bystanders, this.samples);
			case "--executions" ->
				new BenchmarkOptions(this.only, Integer.parseInt(value), this.rounds, this.bystanders, this.samples);
			case "--rounds" -> new BenchmarkOptions(this.only, this.executions, Integer.parseInt(value),
					this.bystanders, this.samples);
			case "--bystanders" ->
				new BenchmarkOptions(this.only, this.executions, this.rounds, Integer.parseInt(value), this.samples);
			case "--samples" ->
				new BenchmarkOptions(this.only, this.executions, this.rounds, this.bystanders, Integer.parseInt(value));
			default -> throw new IllegalArgumentException("Unknown argument '" + arg + "'");
		};
	}

	boolean selects(String scenario) {
		return this.only.isEmpty() || this.only.contains(scenario);
	}

}
