package io.pgconductor.sample.refill;

import java.time.Duration;

import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import io.pgconductor.sample.stock.Stock;
import io.pgconductor.sample.stock.StockLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/**
 * Orders what runs short. Those who take from the stock know nothing of it.
 */
@Component
class Refills {

	private static final Logger logger = LoggerFactory.getLogger(Refills.class);

	private final Stock stock;

	private final Duration delivery;

	Refills(Stock stock, @Value("${shop.delivery}") Duration delivery) {
		this.stock = stock;
		this.delivery = delivery;
	}

	/**
	 * Order more of something, and put it in stock when it comes. PostgreSQL compares
	 * each row with its threshold, so a change that leaves enough calls nothing. If a
	 * hundred customers buy the same before this has begun, it runs once.
	 * @param change what has become of the row, for the log
	 * @param level the row as it was then
	 * @param context the execution
	 */
	@Task(name = "order-refill")
	@OnRowChange(table = "stock", operations = RowOperation.UPDATE, watch = { "available", "reorder_below" },
			when = "NEW.available + NEW.on_order < NEW.reorder_below", dedupeKey = "{item}")
	void orderRefill(RowChange<StockLevel> change, StockLevel level, TaskContext context) {
		int quantity = context.transaction("order", Integer.class, () -> order(change, level.item()));
		if (quantity > 0) {
			context.progress(0.5, "waiting for the delivery");
			context.sleep("delivery", this.delivery);
			context.transaction("put-in-stock", () -> this.stock.receive(level.item(), quantity));
		}
	}

	/**
	 * The stock is looked at again: since the change, there may have been another order.
	 */
	private int order(RowChange<StockLevel> change, String item) {
		int quantity = this.stock.order(item);
		logger.info("{}: {} more are ordered", change, quantity);
		return quantity;
	}

}
