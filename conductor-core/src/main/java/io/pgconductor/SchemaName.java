package io.pgconductor;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * The name of the database schema that holds Conductor's tables.
 *
 * @param value 1 to 48 lower case letters, digits and underscores, beginning with a
 * letter or underscore; no reserved word of SQL, and none of PostgreSQL's own schemas
 * @since 0.1.0
 */
public record SchemaName(String value) {

	private static final Pattern FORM = Pattern.compile("[a-z_][a-z0-9_]{0,47}");

	private static final String PLACEHOLDER = "${schema}";

	// Categories R and T of pg_get_keywords(): what cannot name a schema unquoted
	private static final Set<String> RESERVED_WORDS = Set.of("""
			all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
			collation column concurrently constraint create cross current_catalog current_date current_role
			current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
			except false fetch for foreign freeze from full grant group having ilike in initially inner intersect
			into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null
			offset on only or order outer overlaps placing primary references returning right select session_user
			similar some symmetric system_user table tablesample then to trailing true union unique user using
			variadic verbose when where window with""".split("\\s+"));

	/**
	 * The schema that is used unless another is named.
	 */
	public static final SchemaName DEFAULT = new SchemaName("conductor");

	/**
	 * Check a schema's name.
	 * @throws IllegalArgumentException if it cannot be used as an identifier without
	 * quotes, or belongs to PostgreSQL
	 */
	public SchemaName {
		if (!FORM.matcher(value).matches()) {
			throw new IllegalArgumentException("'" + value + "' is not a schema name: use 1 to 48 lower case letters, "
					+ "digits and underscores, beginning with a letter or underscore");
		}
		if (value.startsWith("pg_") || value.equals("information_schema")) {
			throw new IllegalArgumentException(
					"'" + value + "' is not a schema name: it belongs to PostgreSQL; choose another");
		}
		if (RESERVED_WORDS.contains(value)) {
			throw new IllegalArgumentException(
					"'" + value + "' is not a schema name: it is a reserved word of SQL; choose another");
		}
	}

	/**
	 * Name the schema in a statement.
	 * @param text SQL that says <code>${schema}</code> where the schema's name belongs
	 * @return the statement
	 */
	public String sql(String text) {
		return text.replace(PLACEHOLDER, this.value);
	}

	@Override
	public String toString() {
		return this.value;
	}

}
