package io.pgconductor.migration;

import io.pgconductor.ConductorException;
import org.jspecify.annotations.Nullable;

/**
 * The schema cannot be used as it is, and trying again will not help.
 *
 * @since 0.1.0
 */
public class SchemaException extends ConductorException {

	private final Problem problem;

	private final String description;

	private final String remedy;

	SchemaException(Problem problem, String description, String remedy, @Nullable Throwable cause) {
		super(description + " " + remedy, cause);
		this.problem = problem;
		this.description = description;
		this.remedy = remedy;
	}

	SchemaException(Problem problem, String description, String remedy) {
		this(problem, description, remedy, null);
	}

	/**
	 * Return the kind of problem.
	 * @return what is wrong
	 */
	public Problem problem() {
		return this.problem;
	}

	/**
	 * Return what is wrong: the first part of the message.
	 * @return one or more sentences
	 */
	public String description() {
		return this.description;
	}

	/**
	 * Return what to do about it: the rest of the message.
	 * @return one or more sentences
	 */
	public String remedy() {
		return this.remedy;
	}

	/**
	 * What can be wrong with a schema.
	 */
	public enum Problem {

		/**
		 * The database is not PostgreSQL.
		 */
		NOT_POSTGRESQL,

		/**
		 * The server's version is not supported.
		 */
		POSTGRESQL_TOO_OLD,

		/**
		 * The schema is newer than this version of Conductor can work with, or holds
		 * foreign tables under Conductor's names.
		 */
		INCOMPATIBLE,

		/**
		 * The schema is missing or too old, and is not to be migrated.
		 */
		NOT_INSTALLED,

		/**
		 * The role lacks a privilege.
		 */
		INSUFFICIENT_PRIVILEGE,

		/**
		 * A script failed.
		 */
		MIGRATION_FAILED

	}

}
