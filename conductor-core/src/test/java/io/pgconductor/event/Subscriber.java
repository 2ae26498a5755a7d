package io.pgconductor.event;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import io.pgconductor.EmittedEvent;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A task that subscribes to events and keeps what it gets.
 */
final class Subscriber {

	private static final Duration PATIENCE = Duration.ofSeconds(30);

	private final BlockingQueue<TaskEvent<?>> events = new LinkedBlockingQueue<>();

	private final TaskSpec task;

	private Subscriber(String task, List<EventTrigger> triggers) {
		this.task = TaskSpec.of(task, JsonNode.class, (event, context) -> this.events.add(event))
			.withTriggers(List.copyOf(triggers));
	}

	static Subscriber to(String task, String... patterns) {
		return new Subscriber(task,
				List.of(patterns).stream().map((pattern) -> EventTrigger.of(pattern, null, null)).toList());
	}

	static Subscriber filtered(String task, String pattern, String filter) {
		return new Subscriber(task, List.of(EventTrigger.of(pattern, filter, null)));
	}

	static Subscriber projected(String task, String pattern, String... fields) {
		return new Subscriber(task, List.of(EventTrigger.of(pattern, null, List.of(fields))));
	}

	TaskSpec task() {
		return this.task;
	}

	/**
	 * Wait for the next event.
	 */
	EmittedEvent<?> next() {
		try {
			TaskEvent<?> event = this.events.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
			if (event instanceof EmittedEvent<?> emitted) {
				return emitted;
			}
			throw new AssertionError(this.task + " got " + event);
		}
		catch (InterruptedException ex) {
			throw new AssertionError(ex);
		}
	}

	@Nullable JsonNode nextPayload() {
		return (JsonNode) next().payload();
	}

	boolean isEmpty() {
		return this.events.isEmpty();
	}

}
