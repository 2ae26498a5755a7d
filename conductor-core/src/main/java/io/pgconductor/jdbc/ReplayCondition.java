package io.pgconductor.jdbc;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import io.pgconductor.RowReplay;
import io.pgconductor.task.SqlCondition;
import org.jspecify.annotations.Nullable;

/**
 * A condition of a user, as a part of a statement whose parameters have no names that the
 * user's could collide with.
 *
 * @param sql with indexed parameters
 * @param values their values
 */
record ReplayCondition(String sql, List<@Nullable Object> values) {

	// What is in quotes stays as it is. Spring's own search for named parameters doesn't
	// know all of these. Quantifiers are possessive, since texts may be long.
	private static final Pattern TOKEN = Pattern.compile("""
			(?<![\\w$]) [eE] ' [^'\\\\]*+ (?: (?: \\\\. | '' ) [^'\\\\]*+ )*+ '
			| ' [^']*+ '
			| " [^"]*+ "
			| ::
			| : (?<name> [A-Za-z_]\\w*+ )
			| (?<operator> \\?\\?? )
			""", Pattern.COMMENTS | Pattern.DOTALL);

	/**
	 * Take the condition apart.
	 * @param rows says which rows
	 * @return the condition
	 * @throws IllegalArgumentException if it is more than a condition, or its parameters
	 * and the values are not the same ones
	 */
	static ReplayCondition of(RowReplay rows) {
		String condition = rows.condition();
		if (condition == null) {
			return new ReplayCondition("true", List.of());
		}
		try {
			SqlCondition.validate(condition);
		}
		catch (IllegalArgumentException ex) {
			throw new IllegalArgumentException("The condition '" + condition + "' cannot be used: " + ex.getMessage(),
					ex);
		}
		StringBuilder sql = new StringBuilder();
		List<@Nullable Object> values = new ArrayList<>();
		Set<String> unused = new LinkedHashSet<>(rows.parameters().keySet());
		Matcher matcher = TOKEN.matcher(condition);
		while (matcher.find()) {
			String replacement = matcher.group();
			String name = matcher.group("name");
			if (name != null) {
				replacement = parameter(value(name, rows), values);
				unused.remove(name);
			}
			else if (matcher.group("operator") != null) {
				// To the driver, a single one is a parameter
				replacement = "??";
			}
			matcher.appendReplacement(sql, Matcher.quoteReplacement(replacement));
		}
		if (!unused.isEmpty()) {
			throw new IllegalArgumentException("The condition '" + condition + "' has no parameter :"
					+ String.join(", :", unused) + ": use it or leave it out");
		}
		return new ReplayCondition(matcher.appendTail(sql).toString(), values);
	}

	private static @Nullable Object value(String name, RowReplay rows) {
		if (!rows.parameters().containsKey(name)) {
			throw new IllegalArgumentException("The condition '" + rows.condition() + "' has a parameter :" + name
					+ ", which is not among those that were given (" + String.join(", ", rows.parameters().keySet())
					+ "): add it, or put a space behind the colon if it is none");
		}
		Object value = rows.parameters().get(name);
		if (value instanceof Collection<?> elements && elements.isEmpty()) {
			// A list without elements is no SQL, and with null "not in" is never true
			throw new IllegalArgumentException(
					"The parameter :" + name + " of the condition '" + rows.condition() + "' is an empty collection");
		}
		return value;
	}

	private static String parameter(@Nullable Object value, List<@Nullable Object> values) {
		if (value instanceof Collection<?> elements) {
			return elements.stream().map((element) -> parameter(element, values)).collect(Collectors.joining(", "));
		}
		values.add(bindable(value));
		return "?";
	}

	// As the driver wants it
	private static @Nullable Object bindable(@Nullable Object value) {
		if (value instanceof Instant instant) {
			return instant.atOffset(ZoneOffset.UTC);
		}
		if (value instanceof ZonedDateTime time) {
			return time.toOffsetDateTime();
		}
		return (value instanceof Enum<?> constant) ? constant.name() : value;
	}

}
