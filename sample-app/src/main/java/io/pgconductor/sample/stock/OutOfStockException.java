package io.pgconductor.sample.stock;

/**
 * There is not as much in stock as was asked for.
 */
public class OutOfStockException extends RuntimeException {

	OutOfStockException(String item, int quantity) {
		super("There are no " + quantity + " of '" + item + "' in stock");
	}

}
