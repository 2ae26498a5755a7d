package io.pgconductor.sample.payment;

import io.pgconductor.annotation.Retry;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

/**
 * Charges customers in the background, in the manner that the payment gateway asks for:
 * one call at a time for each customer, and no more than so many calls in a second, from
 * all nodes together.
 */
@Component
class Payments {

	private final PaymentGateway gateway;

	Payments(PaymentGateway gateway) {
		this.gateway = gateway;
	}

	@Task(name = "charge-customer", concurrency = 1, concurrencyKey = "customer", rateLimit = "100/1s", maxAttempts = 5,
			retry = @Retry(initial = "1s"))
	Receipt charge(ChargeCustomer charge) {
		return this.gateway.charge(charge.key(), charge.customer(), charge.amount());
	}

}
