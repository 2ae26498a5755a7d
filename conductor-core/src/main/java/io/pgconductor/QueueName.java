package io.pgconductor;

import java.util.regex.Pattern;

/**
 * The form of a queue's name.
 *
 * @since 0.1.0
 */
public final class QueueName {

	/**
	 * The queue of tasks that name none.
	 */
	public static final String DEFAULT = "default";

	private static final Pattern FORM = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

	private QueueName() {
	}

	/**
	 * Check a queue's name: 1 to 63 letters, digits, dots, dashes and underscores,
	 * beginning with a letter or digit.
	 * @param name the name
	 * @return the name
	 * @throws IllegalArgumentException if it is not of that form
	 */
	public static String validate(String name) {
		if (!FORM.matcher(name).matches()) {
			throw new IllegalArgumentException("'" + name + "' is not a queue name: use 1 to 63 letters, digits, "
					+ "dots, dashes and underscores, beginning with a letter or digit");
		}
		return name;
	}

}
