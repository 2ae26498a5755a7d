package io.pgconductor.annotation;

import java.lang.annotation.Annotation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

import io.pgconductor.EmittedEvent;
import io.pgconductor.Invocation;
import io.pgconductor.ScheduleTick;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskTrigger;
import org.springframework.core.annotation.AnnotationConfigurationException;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;

/**
 * The {@link Cron @Cron} and {@link OnEvent @OnEvent} annotations of one handler method.
 */
final class MethodTriggers {

	private final HandlerMethod method;

	private final List<Cron> crons;

	private final List<OnEvent> events;

	/**
	 * Find the annotations.
	 * @param method the method
	 * @throws InvalidTaskException if they contradict themselves
	 */
	MethodTriggers(HandlerMethod method) {
		this.method = method;
		this.crons = find(Cron.class);
		this.events = find(OnEvent.class);
	}

	private <A extends Annotation> List<A> find(Class<A> type) {
		try {
			List<MergedAnnotation<A>> found = MergedAnnotations
				.from(this.method.method(), SearchStrategy.TYPE_HIERARCHY)
				.stream(type)
				.toList();
			// Those of a method that is overridden are replaced, as all annotations are
			return found.stream()
				.filter((annotation) -> annotation.getAggregateIndex() == found.get(0).getAggregateIndex())
				.map(MergedAnnotation::synthesize)
				.toList();
		}
		catch (AnnotationConfigurationException ex) {
			throw this.method.invalid(String.valueOf(ex.getMessage()), ex);
		}
	}

	boolean isEmpty() {
		return this.crons.isEmpty() && this.events.isEmpty();
	}

	/**
	 * Read the annotations.
	 * @param task the name of their task
	 * @param reader reads the attributes of one
	 * @return the triggers, without those that are switched off
	 * @throws InvalidTaskException if one cannot work
	 */
	List<TaskTrigger> read(String task, Function<Annotation, AnnotatedOptions> reader) {
		List<TaskTrigger> triggers = new ArrayList<>();
		Set<String> names = new HashSet<>();
		for (Cron cron : this.crons) {
			AnnotatedOptions options = reader.apply(cron);
			String name = options.scheduleName(task);
			// Also if it is switched off: a property may switch it on elsewhere
			if (!names.add(name)) {
				throw this.method
					.invalid(name.equals(task) ? "two of its @Cron have no name of their own: give each but one a name"
							: "two of its @Cron are named '" + name + "': give each a name of its own");
			}
			CronTrigger schedule = options.schedule(name);
			if (schedule != null) {
				triggers.add(schedule);
			}
		}
		for (OnEvent event : this.events) {
			EventTrigger subscription = reader.apply(event).subscription();
			verifyIsUnique(subscription, triggers);
			triggers.add(subscription);
		}
		return triggers;
	}

	private void verifyIsUnique(EventTrigger subscription, List<TaskTrigger> others) {
		if (others.stream()
			.anyMatch(
					(other) -> other instanceof EventTrigger event && event.pattern().equals(subscription.pattern()))) {
			throw this.method.invalid("it subscribes to '" + subscription.pattern()
					+ "' twice: use one @OnEvent, and join the filters with ||");
		}
	}

	/**
	 * Check that the method can take what these triggers give it.
	 * @param parameters the method's parameters
	 * @throws InvalidTaskException if it cannot
	 */
	void verifySuit(HandlerParameters parameters) {
		if (!this.crons.isEmpty() && parameters.payloadRequired()) {
			throw this.method.invalid("it needs a payload, which a @Cron has none of: take it as Optional, "
					+ "or as a type that may be null");
		}
		Class<?> event = parameters.eventType();
		if (event == ScheduleTick.class && !this.events.isEmpty()) {
			throw this.method.invalid("it takes a ScheduleTick, but has an @OnEvent too: take a TaskEvent");
		}
		if (event == EmittedEvent.class && !this.crons.isEmpty()) {
			throw this.method.invalid("it takes an EmittedEvent, but has a @Cron too: take a TaskEvent");
		}
		if (event == Invocation.class && !isEmpty()) {
			throw this.method.invalid("it takes an Invocation, but has other triggers too: take a TaskEvent");
		}
	}

}
