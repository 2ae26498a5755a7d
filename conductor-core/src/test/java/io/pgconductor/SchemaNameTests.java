package io.pgconductor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class SchemaNameTests {

	@ParameterizedTest
	@ValueSource(strings = { "conductor", "_jobs", "public", "a", "app_2_jobs",
			"a23456789012345678901234567890123456789012345678" })
	void acceptsIdentifiers(String name) {
		assertThat(new SchemaName(name).value()).isEqualTo(name);
	}

	@ParameterizedTest
	@ValueSource(strings = { "", " ", "Conductor", "2jobs", "my-jobs", "a.b", "a b", "a\"; drop schema public; --", "ä",
			"a\n", "a234567890123456789012345678901234567890123456789" })
	void refusesWhatIsNoIdentifier(String name) {
		assertThatIllegalArgumentException().isThrownBy(() -> new SchemaName(name))
			.withMessage("'" + name + "' is not a schema name: use 1 to 48 lower case letters, digits and underscores, "
					+ "beginning with a letter or underscore");
	}

	@ParameterizedTest
	@ValueSource(strings = { "pg_catalog", "pg_jobs", "information_schema" })
	void refusesSchemasOfPostgres(String name) {
		assertThatIllegalArgumentException().isThrownBy(() -> new SchemaName(name))
			.withMessageContaining("'" + name + "'")
			.withMessageContaining("belongs to PostgreSQL");
	}

	@ParameterizedTest
	@ValueSource(strings = { "user", "order", "left" })
	void refusesReservedWords(String name) {
		assertThatIllegalArgumentException().isThrownBy(() -> new SchemaName(name))
			.withMessageContaining("'" + name + "'")
			.withMessageContaining("reserved word");
	}

	@Test
	void putsTheNameIntoStatements() {
		SchemaName schema = new SchemaName("jobs");

		assertThat(schema.sql("select from ${schema}.task, ${schema}.node"))
			.isEqualTo("select from jobs.task, jobs.node");
	}

}
