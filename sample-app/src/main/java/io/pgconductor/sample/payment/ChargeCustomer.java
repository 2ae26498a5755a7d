package io.pgconductor.sample.payment;

import io.pgconductor.TaskDefinition;

/**
 * The payload of the task that charges customers.
 *
 * @param key tells this charge from others, and is the same when it is asked again
 * @param customer the customer's e-mail address
 * @param amount how much, in euros
 */
public record ChargeCustomer(String key, String customer, int amount) {

	/**
	 * The task.
	 */
	public static final TaskDefinition<ChargeCustomer, Receipt> TASK = TaskDefinition.of("charge-customer",
			ChargeCustomer.class, Receipt.class);

}
