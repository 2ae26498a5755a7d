package io.pgconductor.sample.order;

import java.util.Locale;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Where an order is in its life.
 */
enum OrderStatus {

	/**
	 * Ordered, and not yet shipped.
	 */
	PLACED,

	/**
	 * On its way to the customer.
	 */
	SHIPPED;

	/**
	 * Return the name that the database and the HTTP API use.
	 * @return the name in lower case
	 */
	@JsonValue
	String label() {
		return name().toLowerCase(Locale.ROOT);
	}

	@JsonCreator
	static OrderStatus ofLabel(String label) {
		return valueOf(label.toUpperCase(Locale.ROOT));
	}

}
