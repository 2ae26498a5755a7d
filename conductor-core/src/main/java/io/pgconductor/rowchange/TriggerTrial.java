package io.pgconductor.rowchange;

import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

import io.pgconductor.RowOperation;
import io.pgconductor.jdbc.RowChangeTable;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.jdbc.TableDescription;
import io.pgconductor.task.RowChangeTrigger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Finds out whether PostgreSQL accepts triggers: on a table of the same form, so that
 * nobody's is locked. Nothing of it stays.
 */
final class TriggerTrial {

	private static final Logger logger = LoggerFactory.getLogger(TriggerTrial.class);

	private final RowChangeServices services;

	private final RowChangeTable table;

	TriggerTrial(RowChangeServices services) {
		this.services = services;
		this.table = services.table();
	}

	/**
	 * Try a script.
	 * @param script what is to be installed
	 * @throws IllegalArgumentException if that would fail; the message says why
	 */
	void verify(CaptureScript script) {
		TableDescription table = script.capture().table();
		if (!table.mayHaveTriggers()) {
			throw new IllegalArgumentException("this role may not create triggers on " + table
					+ ": grant it TRIGGER on the table, or have somebody else install them "
					+ "(conductor.row-changes.install = false)");
		}
		try {
			createOnTrial(script);
		}
		catch (DataAccessException ex) {
			if (!SqlErrors.isLockTimeout(ex)) {
				throw ex;
			}
			logger.debug("Table {} is being changed: its triggers are tried when they are installed", table, ex);
		}
	}

	private void createOnTrial(CaptureScript script) {
		TableDescription original = script.capture().table();
		// Another node may be installing the same
		String name = "conductor_trial_" + UUID.randomUUID().toString().replace('-', '_');
		String trial = this.services.schema() + "." + name;
		this.services.inTransaction((status) -> {
			status.setRollbackOnly();
			this.table.execute("set local lock_timeout = '1s'");
			// Not like the original, which may only be for its readers
			run("create table %s (%s)".formatted(trial,
					original.columns().stream().map(TriggerTrial::column).collect(Collectors.joining(", "))),
					(message) -> "a table cannot be created to try its triggers on: " + message);
			run("select %s from %s r limit 0".formatted(script.captureExisting(), trial),
					(message) -> "its rows cannot be captured: " + message);
			run(script.createFunction(name), (message) -> "its function cannot be created: " + message);
			for (RowOperation operation : script.capture().trigger().operations()) {
				run(script.createTrigger(operation, trial, name),
						(message) -> condition(script.capture().trigger()) + " cannot be used for " + operation + ": "
								+ message + ". " + original + " has " + original.columnNames()
								+ "; there is no OLD on INSERT, and no NEW on DELETE: use one annotation for each");
			}
			return true;
		});
	}

	private static String column(TableDescription.Column column) {
		String definition = column.quoted() + " " + column.type();
		return (column.generatedOnRead() != null)
				? definition + " generated always as (" + column.generatedOnRead() + ") virtual" : definition;
	}

	private static String condition(RowChangeTrigger trigger) {
		return (trigger.when() != null) ? "when = \"" + trigger.when() + "\"" : "watch = " + trigger.watch();
	}

	private void run(String statement, UnaryOperator<String> explanation) {
		try {
			this.table.execute(statement);
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isConnectionFailure(ex) || SqlErrors.isLockTimeout(ex)) {
				throw ex;
			}
			throw new IllegalArgumentException(explanation.apply(SqlErrors.message(ex)), ex);
		}
	}

}
