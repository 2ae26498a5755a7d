package io.pgconductor.task;

/**
 * The form of a schedule's name.
 */
public final class ScheduleName {

	private ScheduleName() {
	}

	/**
	 * Check a schedule's name: 1 to 200 characters, no control characters, no white space
	 * at either end.
	 * @param name the name
	 * @return the name
	 * @throws IllegalArgumentException if it is not of that form
	 */
	public static String validate(String name) {
		return PlainName.validate(name, "the name of a schedule");
	}

}
