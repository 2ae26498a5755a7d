package io.pgconductor.sample.stock;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * The table of what is in stock.
 */
@Repository
public class Stock {

	private final JdbcClient jdbcClient;

	Stock(JdbcClient jdbcClient) {
		this.jdbcClient = jdbcClient;
	}

	/**
	 * Take something out of the stock, in the caller's transaction.
	 * @param item what to take
	 * @param quantity how many of it
	 * @throws OutOfStockException if there are not that many
	 */
	public void take(String item, int quantity) {
		int updated = this.jdbcClient.sql("""
				update stock
				set available = available - :quantity
				where item = :item and available >= :quantity
				""").param("item", item).param("quantity", quantity).update();
		if (updated == 0) {
			throw new OutOfStockException(item, quantity);
		}
	}

	/**
	 * Put something back, in the caller's transaction.
	 * @param item what to put back
	 * @param quantity how many of it
	 */
	public void putBack(String item, int quantity) {
		this.jdbcClient.sql("update stock set available = available + :quantity where item = :item")
			.param("item", item)
			.param("quantity", quantity)
			.update();
	}

}
