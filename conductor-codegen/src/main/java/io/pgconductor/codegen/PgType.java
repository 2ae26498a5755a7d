package io.pgconductor.codegen;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A type of PostgreSQL.
 *
 * @param schema its schema
 * @param name its name
 * @param kind what it is
 * @param inner what an array is of, and what is beneath a domain; {@code null} for others
 * @param notNull whether it is a domain that has no null
 * @param labels those of an enum, in order
 * @param comment what has been said about it
 */
record PgType(String schema, String name, Kind kind, @Nullable PgType inner, boolean notNull, List<String> labels,
		@Nullable String comment) {

	private static final String OWN = "pg_catalog";

	PgType {
		labels = List.copyOf(labels);
	}

	/**
	 * Return the name of one of PostgreSQL's own types.
	 * @return the name, empty for those that somebody has created
	 */
	String ownName() {
		return this.schema.equals(OWN) ? this.name : "";
	}

	/**
	 * Return whether there is no null of this type.
	 * @return whether it is a domain that says so, or on top of one
	 */
	boolean isNeverNull() {
		return this.kind == Kind.DOMAIN && (this.notNull || (this.inner != null && this.inner.isNeverNull()));
	}

	/**
	 * Return the type of an array of several dimensions. PostgreSQL has the same type for
	 * all, but keeps what was declared.
	 * @param dimensions how many were declared
	 * @return an array of arrays, or this type if it is no array
	 */
	PgType ofDimensions(int dimensions) {
		return (this.kind != Kind.ARRAY || dimensions <= 1) ? this : new PgType(this.schema, this.name, this.kind,
				ofDimensions(dimensions - 1), this.notNull, this.labels, this.comment);
	}

	/**
	 * What a type is, as far as it matters for JSON.
	 */
	enum Kind {

		/**
		 * A number, a string or a boolean.
		 */
		SCALAR,

		/**
		 * A string, one of a few.
		 */
		ENUM,

		/**
		 * A list.
		 */
		ARRAY,

		/**
		 * What is beneath it.
		 */
		DOMAIN,

		/**
		 * An object, or anything: composite types, and those with a cast of their own.
		 */
		JSON

	}

}
