package io.pgconductor.task;

/**
 * The form of a task's name.
 */
public final class TaskName {

	private TaskName() {
	}

	/**
	 * Check a task's name: 1 to 200 characters, no control characters, no white space at
	 * either end.
	 * @param name the name
	 * @return the name
	 * @throws IllegalArgumentException if it is not of that form
	 */
	public static String validate(String name) {
		return PlainName.validate(name, "a task name");
	}

}
