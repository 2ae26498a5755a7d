package io.pgconductor.task;

import java.util.Locale;
import java.util.stream.Stream;

/**
 * Names of tables and columns, as users write them, and as statements need them.
 */
public final class SqlName {

	private static final String QUOTE = "\"";

	private SqlName() {
	}

	/**
	 * Return what a name may stand for: in double quotes it is exactly that; else it is
	 * taken as it is, or in lower case as SQL does.
	 * @param written the name as somebody has written it
	 * @return the names to look for, the best one first
	 */
	public static Stream<String> candidates(String written) {
		if (written.length() > 2 && written.startsWith(QUOTE) && written.endsWith(QUOTE)) {
			return Stream.of(written.substring(1, written.length() - 1).replace(QUOTE + QUOTE, QUOTE));
		}
		return Stream.of(written, written.toLowerCase(Locale.ROOT)).distinct();
	}

	/**
	 * Put a name in double quotes.
	 * @param name the exact name
	 * @return an identifier, which nothing can break out of
	 */
	public static String quote(String name) {
		return QUOTE + name.replace(QUOTE, QUOTE + QUOTE) + QUOTE;
	}

	/**
	 * Put a text in single quotes.
	 * @param text the text
	 * @return a literal, which nothing can break out of, whatever the session's settings
	 */
	public static String literal(String text) {
		String quoted = "'" + text.replace("'", "''") + "'";
		return text.contains("\\") ? "E" + quoted.replace("\\", "\\\\") : quoted;
	}

}
