package io.pgconductor.sample.order;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/**
 * The table of orders.
 */
@Repository
class OrderRepository {

	private final JdbcClient jdbcClient;

	OrderRepository(JdbcClient jdbcClient) {
		this.jdbcClient = jdbcClient;
	}

	long insert(NewOrder order) {
		return this.jdbcClient.sql("""
				insert into orders (customer, item, quantity, status)
				values (:customer, :item, :quantity, :status)
				returning id
				""")
			.param("customer", order.customer())
			.param("item", order.item())
			.param("quantity", order.quantity())
			.param("status", OrderStatus.PLACED.label())
			.query(Long.class)
			.single();
	}

	/**
	 * Note which execution fulfils an order. Of several, the first counts.
	 * @param id the order's id
	 * @param executionId the execution
	 */
	void setExecution(long id, UUID executionId) {
		this.jdbcClient.sql("update orders set execution_id = :executionId where id = :id and execution_id is null")
			.param("executionId", executionId)
			.param("id", id)
			.update();
	}

	/**
	 * Move an order on, if it is where it is thought to be.
	 * @param id the order's id
	 * @param from the status it is in
	 * @param to the status to move it to; not shipped
	 * @return whether it was in that status
	 */
	boolean move(long id, OrderStatus from, OrderStatus to) {
		return this.jdbcClient.sql("update orders set status = :to where id = :id and status = :from")
			.param("from", from.label())
			.param("to", to.label())
			.param("id", id)
			.update() > 0;
	}

	/**
	 * Mark an order that was reserved as shipped. Doing it again changes nothing.
	 * @param id the order's id
	 * @return when it was first marked, or empty if it is not to be shipped
	 */
	Optional<Instant> markShipped(long id) {
		return this.jdbcClient.sql("""
				update orders
				set status = :shipped, shipped_at = coalesce(shipped_at, now())
				where id = :id and status in (:reserved, :shipped)
				returning shipped_at
				""")
			.param("reserved", OrderStatus.RESERVED.label())
			.param("shipped", OrderStatus.SHIPPED.label())
			.param("id", id)
			.query((row, rowNumber) -> row.getTimestamp("shipped_at").toInstant())
			.optional();
	}

	Optional<Order> find(long id) {
		return this.jdbcClient.sql("""
				select id, customer, item, quantity, status, placed_at, shipped_at, execution_id
				from orders
				where id = :id
				""").param("id", id).query(OrderRepository::mapRow).optional();
	}

	private static Order mapRow(ResultSet row, int rowNumber) throws SQLException {
		Timestamp shippedAt = row.getTimestamp("shipped_at");
		return new Order(row.getLong("id"), row.getString("customer"), row.getString("item"), row.getInt("quantity"),
				OrderStatus.ofLabel(row.getString("status")), row.getTimestamp("placed_at").toInstant(),
				(shippedAt != null) ? shippedAt.toInstant() : null, row.getObject("execution_id", UUID.class));
	}

}
