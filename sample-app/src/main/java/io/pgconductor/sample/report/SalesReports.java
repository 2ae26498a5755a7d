package io.pgconductor.sample.report;

import java.sql.Timestamp;
import java.util.Optional;

import io.pgconductor.ScheduleTick;
import io.pgconductor.annotation.Cron;
import io.pgconductor.annotation.Task;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Writes sales reports.
 */
@Component
class SalesReports {

	private final JdbcClient jdbcClient;

	SalesReports(JdbcClient jdbcClient) {
		this.jdbcClient = jdbcClient;
	}

	/**
	 * Write a report, every ten seconds, on one node of however many there are. The time
	 * of the tick is the report's key, so running twice changes nothing.
	 * @param tick the time that the report is about
	 */
	@Task(removeOnComplete = "10m")
	@Cron("*/10 * * * * *")
	void writeSalesReport(ScheduleTick<?> tick) {
		this.jdbcClient.sql("""
				insert into sales_report (made_for, orders, revenue)
				select :madeFor, count(*), coalesce(sum(c.amount), 0)
				from orders o join charge c on c.idempotency_key = 'order-' || o.id
				where o.status = 'shipped'
				on conflict (made_for) do nothing
				""").param("madeFor", Timestamp.from(tick.scheduledAt())).update();
		this.jdbcClient.sql("delete from sales_report where made_for < now() - interval '1 day'").update();
	}

	Optional<SalesReport> newest() {
		return this.jdbcClient.sql("select * from sales_report order by made_for desc limit 1")
			.query((row, number) -> new SalesReport(row.getTimestamp("made_for").toInstant(), row.getInt("orders"),
					row.getInt("revenue")))
			.optional();
	}

}
