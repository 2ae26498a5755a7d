package io.pgconductor.autoconfigure;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.datasource.AbstractDataSource;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.BDDMockito.given;
import static org.mockito.Mockito.mock;

/**
 * Tests for {@link EnginePool}.
 */
class EnginePoolTests {

	private static final String URL = "jdbc:postgresql://db.example:5433/shop?user=ada&password=secret";

	@Test
	void connectsLikeTheApplicationsPool() {
		try (HikariDataSource application = hikari()) {
			HikariDataSource pool = derive(application, null);

			assertThat(pool.getJdbcUrl()).isEqualTo(URL);
			assertThat(pool.getUsername()).isEqualTo("bob");
			assertThat(pool.getPassword()).isEqualTo("hidden");
			assertThat(pool.getSchema()).isEqualTo("shop");
			assertThat(pool.getConnectionInitSql()).isEqualTo("set role shop");
			assertThat(pool.getDataSourceProperties()).containsEntry("sslmode", "require")
				.containsEntry("tcpKeepAlive", "true")
				.containsEntry("loginTimeout", "10");
		}
	}

	@Test
	void givesALoginTheTimeThatTheApplicationGivesIt() {
		try (HikariDataSource application = hikari()) {
			application.addDataSourceProperty("loginTimeout", "3");

			assertThat(derive(application, null).getDataSourceProperties()).containsEntry("loginTimeout", "3");
		}
	}

	@Test
	void isNotPooledLikeTheApplication() {
		try (HikariDataSource application = hikari()) {
			HikariDataSource pool = derive(application, null);

			assertThat(pool.getPoolName()).isEqualTo("conductor");
			assertThat(pool.getMaximumPoolSize()).isEqualTo(5);
			assertThat(pool.getMinimumIdle()).isZero();
			assertThat(pool.isAutoCommit()).isTrue();
			assertThat(pool.isReadOnly()).isFalse();
			assertThat(pool.getTransactionIsolation()).isNull();
			assertThat(pool.getLeakDetectionThreshold()).isZero();
			assertThat(pool.getInitializationFailTimeout()).isNegative();
			assertThat(application.getDataSourceProperties()).doesNotContainKey("tcpKeepAlive");
		}
	}

	@Test
	void findsThePoolBehindAProxy() {
		try (HikariDataSource application = hikari()) {
			assertThat(derive(new LazyConnectionDataSourceProxy(application), null).getJdbcUrl()).isEqualTo(URL);
		}
	}

	@Test
	void usesConnectionDetailsForAnotherPool() {
		JdbcConnectionDetails details = mock(JdbcConnectionDetails.class);
		given(details.getJdbcUrl()).willReturn(URL);
		given(details.getUsername()).willReturn("bob");
		given(details.getPassword()).willReturn("hidden");

		HikariDataSource pool = derive(mock(AbstractDataSource.class), details);

		assertThat(pool.getJdbcUrl()).isEqualTo(URL);
		assertThat(pool.getUsername()).isEqualTo("bob");
		assertThat(pool.getPassword()).isEqualTo("hidden");
		assertThat(pool.getDataSourceProperties()).containsEntry("tcpKeepAlive", "true");
	}

	@Test
	void poolsWhatOpensConnectionsOnRequest() {
		PGSimpleDataSource application = new PGSimpleDataSource();

		assertThat(derive(application, null).getDataSource()).isSameAs(application);
	}

	@Test
	void cannotBeDerivedFromAnUnknownPool() {
		assertThat(EnginePool.derive(mock(AbstractDataSource.class), null, 5)).isNull();
		assertThat(EnginePool.derive(new SingleConnectionDataSource(), null, 5)).isNull();
	}

	@Test
	void showsNoPassword() {
		try (HikariDataSource application = hikari(); EnginePool pool = EnginePool.derive(application, null, 5)) {
			assertThat(pool).hasToString("pool 'conductor' of 5 connections to jdbc:postgresql://db.example:5433/shop");
		}
	}

	private static HikariDataSource hikari() {
		HikariDataSource dataSource = new HikariDataSource();
		dataSource.setJdbcUrl(URL);
		dataSource.setUsername("bob");
		dataSource.setPassword("hidden");
		dataSource.setSchema("shop");
		dataSource.setConnectionInitSql("set role shop");
		dataSource.addDataSourceProperty("sslmode", "require");
		dataSource.setPoolName("application");
		dataSource.setMaximumPoolSize(42);
		dataSource.setAutoCommit(false);
		dataSource.setReadOnly(true);
		dataSource.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
		dataSource.setLeakDetectionThreshold(5000);
		return dataSource;
	}

	private static HikariDataSource derive(DataSource application, @Nullable JdbcConnectionDetails details) {
		EnginePool pool = EnginePool.derive(application, details, 5);
		assertThat(pool).isNotNull();
		return (HikariDataSource) pool.dataSource();
	}

}
