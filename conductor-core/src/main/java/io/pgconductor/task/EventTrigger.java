package io.pgconductor.task;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A task's subscription to events.
 *
 * @param event the events' name, or what their names begin with
 * @param prefix whether it is what their names begin with
 * @param filter a JSONPath predicate on the payload; {@code null}: all events count
 * @param fields of the payload that the task gets; {@code null}: all of it
 */
public record EventTrigger(String event, boolean prefix, @Nullable String filter,
		@Nullable List<String> fields) implements TaskTrigger {

	private static final String ANY = "*";

	public EventTrigger {
		fields = (fields != null) ? List.copyOf(fields) : null;
	}

	/**
	 * Subscribe to one event, or to a prefix.
	 * @param pattern an event's name, or what its name begins with and a {@code *}
	 * @param filter a JSONPath predicate, {@code null} for none
	 * @param fields of the payload, {@code null} for all
	 * @return the trigger
	 * @throws IllegalArgumentException if the pattern is neither
	 */
	public static EventTrigger of(String pattern, @Nullable String filter, @Nullable List<String> fields) {
		boolean prefix = pattern.endsWith(ANY);
		String event = prefix ? pattern.substring(0, pattern.length() - ANY.length()) : pattern;
		if (!event.isEmpty() || !prefix) {
			EventName.validate(event);
		}
		return new EventTrigger(event, prefix, filter, fields);
	}

	/**
	 * Return what it subscribes to, as it is written.
	 * @return the event's name, or a prefix and a {@code *}
	 */
	public String pattern() {
		return this.prefix ? this.event + ANY : this.event;
	}

}
