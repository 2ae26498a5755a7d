package io.pgconductor.sample.order;

import java.util.Locale;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Where an order is in its life.
 */
enum OrderStatus {

	/**
	 * Ordered, and nothing else yet.
	 */
	PLACED,

	/**
	 * Taken out of the stock, and not yet shipped.
	 */
	RESERVED,

	/**
	 * On its way to the customer.
	 */
	SHIPPED,

	/**
	 * Given up: the stock and the money are back.
	 */
	CANCELLED;

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
