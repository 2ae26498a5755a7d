package io.pgconductor.benchmark;

/**
 * Something to measure.
 */
interface Scenario {

	/**
	 * Return the name that selects it.
	 * @return one word
	 */
	String name();

	/**
	 * Measure it.
	 * @param database empty but for the schema
	 * @param options how much to do
	 * @param report where the results go
	 */
	void run(BenchmarkDatabase database, BenchmarkOptions options, Report report);

}
