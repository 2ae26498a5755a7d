package io.pgconductor.client;

import io.pgconductor.ConductorException;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.SqlErrors;
import org.springframework.dao.DataAccessException;

/**
 * Explains what the database refused.
 *
 * @param schema the schema
 */
record ClientFailures(SchemaName schema) {

	/**
	 * Explain a failure.
	 * @param call names the call in messages
	 * @param failure what the database said
	 * @return what to throw: the same, unless there is more to say
	 */
	RuntimeException explain(String call, DataAccessException failure) {
		if (SqlErrors.isMissingSchema(failure)) {
			return new ConductorException("The " + call + " failed: the schema '" + this.schema.value()
					+ "' is not installed, or doesn't fit this version. Conductor installs it when it starts; "
					+ "with conductor.migrate=false run the SQL that it prints", failure);
		}
		if (SqlErrors.isReadOnly(failure)) {
			return new ConductorException("The " + call + " would write in a read-only transaction", failure);
		}
		return failure;
	}

}
