package io.pgconductor.sample.stock;

import java.util.List;

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

	/**
	 * Note that more of something is on its way, if there is too little of it with all
	 * that is on its way already. In the caller's transaction.
	 * @param item what is ordered
	 * @return how many of it; 0 if there is enough
	 */
	public int order(String item) {
		return this.jdbcClient.sql("""
				update stock
				set on_order = on_order + reorder_quantity
				where item = :item and available + on_order < reorder_below
				returning reorder_quantity
				""").param("item", item).query(Integer.class).optional().orElse(0);
	}

	/**
	 * Put in stock what was on its way, in the caller's transaction.
	 * @param item what was ordered
	 * @param quantity how many of it
	 */
	public void receive(String item, int quantity) {
		this.jdbcClient.sql("""
				update stock
				set available = available + :quantity, on_order = on_order - :quantity
				where item = :item
				""").param("item", item).param("quantity", quantity).update();
	}

	List<StockLevel> levels() {
		return this.jdbcClient.sql("select * from stock order by item").query(StockLevel.class).list();
	}

}
