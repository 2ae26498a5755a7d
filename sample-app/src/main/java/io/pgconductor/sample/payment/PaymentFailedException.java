package io.pgconductor.sample.payment;

/**
 * The payment gateway could not be asked. Later it may be.
 */
public class PaymentFailedException extends RuntimeException {

	PaymentFailedException(String message) {
		super(message);
	}

}
