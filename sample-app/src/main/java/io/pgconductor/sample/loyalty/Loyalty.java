package io.pgconductor.sample.loyalty;

import java.sql.Timestamp;
import java.util.List;

import io.pgconductor.EmittedEvent;
import io.pgconductor.annotation.OnEvent;
import io.pgconductor.sample.order.OrderShipped;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Counts loyalty points. Those who ship orders know nothing of it.
 */
@Component
public class Loyalty {

	private final JdbcClient jdbcClient;

	Loyalty(JdbcClient jdbcClient) {
		this.jdbcClient = jdbcClient;
	}

	/**
	 * Note the points for a shipped order. Like every task this may run twice for one
	 * event: its id sees to it that the points count once.
	 * @param event the event, with what is known of the order
	 * @param order the same, as payload
	 */
	@OnEvent(OrderShipped.NAME)
	void earnPoints(EmittedEvent<OrderShipped> event, OrderShipped order) {
		this.jdbcClient.sql("""
				insert into loyalty_entry (event_id, customer, points, earned_at)
				values (:event, :customer, :points, :earnedAt)
				on conflict (event_id) do nothing
				""")
			.param("event", event.id())
			.param("customer", order.customer())
			.param("points", order.total())
			.param("earnedAt", Timestamp.from(event.emittedAt()))
			.update();
	}

	/**
	 * Return the points of all customers who have some.
	 * @return most points first
	 */
	public List<LoyaltyPoints> points() {
		return this.jdbcClient.sql("""
				select customer, sum(points) as points
				from loyalty_entry
				group by customer
				order by 2 desc, customer
				limit 100
				""").query((row, number) -> new LoyaltyPoints(row.getString("customer"), row.getInt("points"))).list();
	}

}
