package io.pgconductor;

import io.pgconductor.test.TestPostgres;
import org.junit.jupiter.api.Test;

import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class SchemaNameIntegrationTests {

	@Test
	void refusesAllWordsThatTheServerReserves() {
		JdbcClient database = JdbcClient.create(TestPostgres.shared().dataSource());

		assertThat(database.sql("select word from pg_get_keywords() where catcode in ('R', 'T')")
			.query(String.class)
			.list()).isNotEmpty()
			.allSatisfy((word) -> assertThatIllegalArgumentException().isThrownBy(() -> new SchemaName(word)));
	}

}
