package io.pgconductor.sample;

import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/**
 * Gives an application context a database of its own, which is dropped when all that uses
 * it is closed.
 */
@TestConfiguration(proxyBeanMethods = false)
public class TestDatabaseConfiguration {

	@Bean(destroyMethod = "close")
	TestDatabase testDatabase() {
		return TestPostgres.shared().createDatabase();
	}

	@Bean
	JdbcConnectionDetails testDatabaseConnectionDetails(TestDatabase database) {
		return new JdbcConnectionDetails() {

			@Override
			public String getJdbcUrl() {
				return database.jdbcUrl();
			}

			@Override
			public @Nullable String getUsername() {
				return database.username();
			}

			@Override
			public @Nullable String getPassword() {
				return database.password();
			}

		};
	}

}
