package io.pgconductor.task;

import java.util.List;

/**
 * A property of a type that rows are read as.
 *
 * @param name the property's name in Java, for messages
 * @param columns the names of columns that it is read from, the first that there is: its
 * name in Java, the name that Jackson has for it, its aliases, its name in snake_case
 */
public record RowProperty(String name, List<String> columns) {

	public RowProperty {
		columns = List.copyOf(columns);
	}

}
