package io.pgconductor.migration;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

import io.pgconductor.SchemaName;

/**
 * A script that installs a part of the schema.
 *
 * @param name the file's name: <code>V<i>version</i>__<i>description</i>.sql</code> of
 * one that runs once, <code>R__<i>description</i>.sql</code> of one that runs whenever it
 * has changed
 * @param text the SQL, with a placeholder for the schema's name
 */
record Script(String name, String text) {

	private static final String REPEATABLE = "R__";

	boolean isRepeatable() {
		return this.name.startsWith(REPEATABLE);
	}

	int version() {
		return isRepeatable() ? 0 : Integer.parseInt(this.name.substring(1, this.name.indexOf("__")));
	}

	/**
	 * The checksum that Flyway's history has for a repeatable script.
	 */
	int checksum(SchemaName schema) {
		CRC32 crc = new CRC32();
		schema.sql(this.text).lines().forEach((line) -> crc.update(line.getBytes(StandardCharsets.UTF_8)));
		return (int) crc.getValue();
	}

}
