package io.pgconductor.codegen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Says which tables are wanted.
 */
final class TablePatterns {

	private static final String NOT = "-";

	private final List<String> wanted;

	private final List<String> unwanted;

	/**
	 * Create it.
	 * @param patterns names in which an asterisk stands for any text; those with a minus
	 * in front of them are not wanted
	 */
	TablePatterns(List<String> patterns) {
		this.wanted = patterns.stream().filter((pattern) -> !pattern.startsWith(NOT)).toList();
		this.unwanted = patterns.stream()
			.filter((pattern) -> pattern.startsWith(NOT))
			.map((pattern) -> pattern.substring(NOT.length()))
			.toList();
	}

	/**
	 * Choose tables.
	 * @param tables all there are
	 * @return those that are wanted
	 * @throws RowTypeGenerationException if a pattern names none of them
	 */
	List<PgTable> choose(List<PgTable> tables) {
		List<String> needless = new ArrayList<>(this.wanted);
		this.unwanted.forEach((pattern) -> needless.add(NOT + pattern));
		needless.removeIf((pattern) -> tables.stream()
			.anyMatch((table) -> matches(pattern.startsWith(NOT) ? pattern.substring(NOT.length()) : pattern, table)));
		if (!needless.isEmpty()) {
			throw RowTypeGenerationException.ofArguments("No table matches '" + String.join("', '", needless)
					+ "': write the names as PostgreSQL stores them, with * for any text. There are "
					+ tables.stream().map(PgTable::toString).collect(Collectors.joining(", ")));
		}
		return tables.stream().filter(this::isWanted).toList();
	}

	private boolean isWanted(PgTable table) {
		return (this.wanted.isEmpty() || this.wanted.stream().anyMatch((pattern) -> matches(pattern, table)))
				&& this.unwanted.stream().noneMatch((pattern) -> matches(pattern, table));
	}

	private static boolean matches(String pattern, PgTable table) {
		String regex = Arrays.stream(pattern.split("\\*", -1)).map(Pattern::quote).collect(Collectors.joining(".*"));
		return Pattern.compile(regex, Pattern.DOTALL).matcher(table.name()).matches();
	}

}
