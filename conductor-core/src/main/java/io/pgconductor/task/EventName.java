package io.pgconductor.task;

/**
 * The form of an event's name.
 */
public final class EventName {

	private EventName() {
	}

	/**
	 * Check an event's name: 1 to 200 characters, no {@code *}, no control characters, no
	 * white space at either end.
	 * @param name the name
	 * @return the name
	 * @throws IllegalArgumentException if it is not of that form
	 */
	public static String validate(String name) {
		PlainName.validate(name, "the name of an event");
		if (name.indexOf('*') >= 0) {
			throw new IllegalArgumentException(
					"'" + name + "' is not the name of an event: it has a *, which stands for others' names");
		}
		return name;
	}

}
