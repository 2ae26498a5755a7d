package io.pgconductor.sample.payment;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Takes money, and now and then doesn't answer. Like a real one it knows each request by
 * a key that the caller gives: the same key is charged once, however often it is asked.
 */
@Component
@EnableConfigurationProperties(PaymentProperties.class)
public class PaymentGateway {

	private final JdbcClient jdbcClient;

	private final int failEvery;

	private final AtomicInteger requests = new AtomicInteger();

	PaymentGateway(JdbcClient jdbcClient, PaymentProperties properties) {
		this.jdbcClient = jdbcClient;
		this.failEvery = properties.failEvery();
	}

	/**
	 * Charge a customer.
	 * @param key tells this charge from others, and is the same when it is asked again
	 * @param customer the customer's e-mail address
	 * @param amount how much, in euros
	 * @return what was booked
	 * @throws PaymentFailedException if the gateway doesn't answer; nothing is booked
	 */
	public Receipt charge(String key, String customer, int amount) {
		if (this.failEvery > 0 && this.requests.incrementAndGet() % this.failEvery == 0) {
			throw new PaymentFailedException("The payment gateway does not answer");
		}
		return this.jdbcClient.sql("""
				insert into charge (idempotency_key, customer, amount)
				values (:key, :customer, :amount)
				on conflict (idempotency_key) do update set requests = charge.requests + 1
				returning *
				""")
			.param("key", key)
			.param("customer", customer)
			.param("amount", amount)
			.query(PaymentGateway::mapRow)
			.single();
	}

	/**
	 * Give the money back, if any was taken. Doing it again changes nothing.
	 * @param key the charge's key
	 */
	public void refund(String key) {
		this.jdbcClient.sql("""
				update charge set refunded_at = now()
				where idempotency_key = :key and refunded_at is null
				""").param("key", key).update();
	}

	/**
	 * Find what was booked.
	 * @param key the charge's key
	 * @return the receipt, or empty if nothing was
	 */
	public Optional<Receipt> find(String key) {
		return this.jdbcClient.sql("select * from charge where idempotency_key = :key")
			.param("key", key)
			.query(PaymentGateway::mapRow)
			.optional();
	}

	private static Receipt mapRow(ResultSet row, int rowNumber) throws SQLException {
		Timestamp refundedAt = row.getTimestamp("refunded_at");
		return new Receipt(row.getInt("amount"), row.getInt("requests"), row.getTimestamp("charged_at").toInstant(),
				(refundedAt != null) ? refundedAt.toInstant() : null);
	}

}
