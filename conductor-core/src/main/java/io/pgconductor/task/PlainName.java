package io.pgconductor.task;

/**
 * The form that names of tasks, schedules and events share.
 */
final class PlainName {

	private static final int MAX_LENGTH = 200;

	private PlainName() {
	}

	static String validate(String name, String what) {
		if (name.isEmpty() || name.length() > MAX_LENGTH || !name.strip().equals(name)
				|| name.chars().anyMatch(Character::isISOControl)) {
			throw new IllegalArgumentException("'" + printable(name) + "' is not " + what + ": use 1 to " + MAX_LENGTH
					+ " characters, no control characters, no white space at either end");
		}
		return name;
	}

	private static String printable(String name) {
		String shown = (name.length() > MAX_LENGTH) ? name.substring(0, MAX_LENGTH) + "…" : name;
		return shown.replaceAll("\\p{Cntrl}", "?");
	}

}
