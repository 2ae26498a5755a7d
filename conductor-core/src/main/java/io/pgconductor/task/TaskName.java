package io.pgconductor.task;

/**
 * The form of a task's name.
 */
public final class TaskName {

	private static final int MAX_LENGTH = 200;

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
		if (name.isEmpty() || name.length() > MAX_LENGTH || !name.strip().equals(name)
				|| name.chars().anyMatch(Character::isISOControl)) {
			throw new IllegalArgumentException("'" + printable(name) + "' is not a task name: use 1 to " + MAX_LENGTH
					+ " characters, no control characters, no white space at either end");
		}
		return name;
	}

	private static String printable(String name) {
		String shown = (name.length() > MAX_LENGTH) ? name.substring(0, MAX_LENGTH) + "…" : name;
		return shown.replaceAll("\\p{Cntrl}", "?");
	}

}
