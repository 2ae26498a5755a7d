package io.pgconductor.sample;

import java.time.Duration;

import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The clock that the shop's executions go by: that of its database.
 */
final class ShopClock {

	private ShopClock() {
	}

	static void putForward(JdbcClient jdbcClient, Duration ahead) {
		jdbcClient
			.sql("create or replace function conductor.now() returns timestamptz language sql stable "
					+ "parallel safe as 'select pg_catalog.now() + interval ''" + ahead.toSeconds() + " seconds'''")
			.update();
		jdbcClient.sql("select conductor.wake('promoter')").query(Boolean.class).single();
	}

}
