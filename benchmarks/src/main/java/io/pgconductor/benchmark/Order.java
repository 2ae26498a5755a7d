package io.pgconductor.benchmark;

/**
 * The payload of all executions.
 *
 * @param order a number
 * @param customer some text
 */
record Order(long order, String customer) {

	static Order of(long number) {
		return new Order(number, "ada@example.com");
	}

}
