package io.pgconductor.task;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Where in a payload a value is: {@code tenant.id}. Immutable.
 *
 * @param names the names of properties, from the outermost in
 */
public record PayloadPath(List<String> names) {

	private static final int MOST_NAMES = 10;

	private static final int LONGEST_NAME = 200;

	public PayloadPath {
		names = List.copyOf(names);
		if (names.isEmpty() || names.size() > MOST_NAMES
				|| names.stream()
					.anyMatch((name) -> name.isBlank() || name.length() > LONGEST_NAME || name.contains(".")
							|| name.chars().anyMatch(Character::isISOControl))) {
			throw new IllegalArgumentException(
					"use the name of a property of the payload, or of up to 10 nested ones, such as tenant.id");
		}
	}

	/**
	 * Read the form {@code name.name}.
	 * @param text such as {@code customerId} or {@code tenant.id}
	 * @return the path
	 * @throws IllegalArgumentException if it is not of that form
	 */
	public static PayloadPath parse(String text) {
		return new PayloadPath(Arrays.asList(text.strip().split("\\.", -1)));
	}

	/**
	 * Return the path by the names that columns of a table have.
	 * @return the path in snake_case
	 */
	public PayloadPath toColumns() {
		return new PayloadPath(this.names.stream().map(RowMapping::snakeCase).toList());
	}

	@Override
	public String toString() {
		return this.names.stream().collect(Collectors.joining("."));
	}

}
