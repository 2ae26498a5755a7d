package io.pgconductor.annotation;

import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

import io.pgconductor.EmittedEvent;
import io.pgconductor.Invocation;
import io.pgconductor.RowChange;
import io.pgconductor.ScheduleTick;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskTrigger;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanUtils;
import org.springframework.core.ResolvableType;
import org.springframework.core.annotation.AnnotationConfigurationException;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;

/**
 * The {@link Cron @Cron}, {@link OnEvent @OnEvent} and {@link OnRowChange @OnRowChange}
 * annotations of one handler method.
 */
final class MethodTriggers {

	private final HandlerMethod method;

	private final List<Cron> crons;

	private final List<OnEvent> events;

	private final List<OnRowChange> rowChanges;

	/**
	 * Find the annotations.
	 * @param method the method
	 * @throws InvalidTaskException if they contradict themselves
	 */
	MethodTriggers(HandlerMethod method) {
		this.method = method;
		this.crons = find(Cron.class);
		this.events = find(OnEvent.class);
		this.rowChanges = find(OnRowChange.class);
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
		return this.crons.isEmpty() && this.events.isEmpty() && this.rowChanges.isEmpty();
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
		for (OnRowChange rowChange : this.rowChanges) {
			RowChangeTrigger trigger = reader.apply(rowChange).rowChange();
			if (triggers.contains(trigger)) {
				throw this.method.invalid("two of its @OnRowChange for table " + trigger.table()
						+ " are the same: remove one, or it would be called twice for each change");
			}
			triggers.add(trigger);
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
	 * @param payload the type it wants payloads to be read as, if any
	 * @param payloadRequired whether it cannot do without one
	 * @param event the kind of event it takes; {@code null} if it takes any, or none
	 * @throws InvalidTaskException if it cannot
	 */
	void verifySuit(@Nullable Type payload, boolean payloadRequired, @Nullable Class<?> event) {
		if (!this.crons.isEmpty() && payloadRequired) {
			throw this.method.invalid("it needs a payload, which a @Cron has none of: take it as Optional, "
					+ "or as a type that may be null");
		}
		if (!this.rowChanges.isEmpty() && payload != null && isNoRow(payload)) {
			throw this.method.invalid("it takes " + payload.getTypeName() + ", which no row of an @OnRowChange can be "
					+ "read as: take a record with a component for each column, a Map or a JsonNode");
		}
		if (event == Invocation.class && !isEmpty()) {
			throw this.method.invalid("it takes an Invocation, but has other triggers too: take a TaskEvent");
		}
		String other = (event != null) ? otherThan(event) : null;
		if (event != null && other != null) {
			throw this.method
				.invalid("it takes " + withArticle(event) + ", but has " + other + " too: take a TaskEvent");
		}
	}

	/**
	 * A row is a JSON object.
	 */
	private static boolean isNoRow(Type payload) {
		Class<?> type = ResolvableType.forType(payload).toClass();
		return BeanUtils.isSimpleValueType(type) || type.isArray() || Collection.class.isAssignableFrom(type);
	}

	private @Nullable String otherThan(Class<?> event) {
		if (event != ScheduleTick.class && !this.crons.isEmpty()) {
			return "a @Cron";
		}
		if (event != EmittedEvent.class && !this.events.isEmpty()) {
			return "an @OnEvent";
		}
		return (event != RowChange.class && !this.rowChanges.isEmpty()) ? "an @OnRowChange" : null;
	}

	private static String withArticle(Class<?> event) {
		return ((event == EmittedEvent.class) ? "an " : "a ") + event.getSimpleName();
	}

}
