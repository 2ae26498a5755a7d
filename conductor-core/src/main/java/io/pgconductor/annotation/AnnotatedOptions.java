package io.pgconductor.annotation;

import java.lang.annotation.Annotation;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;

import io.pgconductor.InvokeOptions;
import io.pgconductor.QueueName;
import io.pgconductor.RowOperation;
import io.pgconductor.task.Batching;
import io.pgconductor.task.CronTimes;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.DailyHours;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.Retention;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.RowChangeTrigger.Content;
import io.pgconductor.task.ScheduleName;
import io.pgconductor.task.TaskName;
import io.pgconductor.task.TaskOptions;
import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.format.annotation.DurationFormat;
import org.springframework.format.datetime.standard.DurationFormatterUtils;

/**
 * Reads the attributes of one annotation of one handler method.
 */
final class AnnotatedOptions {

	private static final String NEVER = "never";

	private static final Duration DEFAULT_INITIAL = Duration.ofSeconds(15);

	private static final double DEFAULT_MULTIPLIER = 2;

	private static final Duration DEFAULT_MAX = Duration.ofHours(2);

	private final HandlerMethod method;

	private final String annotation;

	private final AnnotationAttributes attributes;

	private final UnaryOperator<@Nullable String> placeholders;

	/**
	 * Create a reader.
	 * @param method for messages
	 * @param annotation what is read
	 * @param placeholders resolves placeholders
	 */
	AnnotatedOptions(HandlerMethod method, Annotation annotation, UnaryOperator<@Nullable String> placeholders) {
		this.method = method;
		this.annotation = "@" + annotation.annotationType().getSimpleName();
		this.attributes = AnnotationUtils.getAnnotationAttributes(null, annotation);
		this.placeholders = placeholders;
	}

	/**
	 * Read the options of a {@link Task @Task} or {@link TaskDefaults @TaskDefaults}.
	 * @return those that are set
	 */
	TaskOptions options() {
		int priority = this.attributes.getNumber("priority");
		return TaskOptions.none()
			.queue(parse("queue", QueueName::validate))
			.priority((priority != Task.UNSET) ? priority : null)
			.maxAttempts(maxAttempts(this.attributes.getNumber("maxAttempts")))
			.retryPolicy(retry((Retry) this.attributes.get("retry")))
			.timeout(parse("timeout", AnnotatedOptions::timeout))
			.hours(parse("window", DailyHours::parse))
			.zone(parse("zone", AnnotatedOptions::zone))
			.transactional(this.attributes.getBoolean("transactional") ? true : null)
			.removeOnComplete(parse("removeOnComplete", AnnotatedOptions::retention))
			.removeOnFail(parse("removeOnFail", AnnotatedOptions::retention))
			.concurrency(concurrency(this.attributes.getNumber("concurrency")))
			.concurrencyKey(parse("concurrencyKey", PayloadPath::parse))
			.rateLimit(parse("rateLimit", RateLimit::parse))
			.rateLimitKey(parse("rateLimitKey", PayloadPath::parse))
			.batch(this.attributes.containsKey("batch") ? batch((Batch) this.attributes.get("batch")) : null);
	}

	/**
	 * Return whether a string attribute is written, whatever its placeholders resolve to.
	 * @param attribute the attribute's name
	 * @return whether it is
	 */
	boolean isWritten(String attribute) {
		return !this.attributes.getString(attribute).isEmpty();
	}

	/**
	 * Read the task's name.
	 * @return the name, {@code null} if there is none
	 */
	@Nullable String name() {
		return parse("name", TaskName::validate);
	}

	/**
	 * Read the names of tasks.
	 * @param attribute the attribute that lists them
	 * @return the names
	 */
	Set<String> names(String attribute) {
		Set<String> names = new LinkedHashSet<>();
		for (String value : this.attributes.getStringArray(attribute)) {
			String name = parse(attribute, value, TaskName::validate);
			if (name != null) {
				names.add(name);
			}
		}
		return names;
	}

	Set<String> aliases(String name) {
		Set<String> aliases = names("aliases");
		if (aliases.contains(name)) {
			throw invalid("aliases", quoted(name), "it is the task's own name: remove it");
		}
		return aliases;
	}

	/**
	 * Read the name of a {@link Cron @Cron}.
	 * @param task the name of its task
	 * @return the schedule's name
	 */
	String scheduleName(String task) {
		String name = parse("name", ScheduleName::validate);
		return (name != null) ? name : task;
	}

	/**
	 * Read a {@link Cron @Cron}.
	 * @param name the schedule's name
	 * @return the schedule, {@code null} if it is switched off
	 */
	@Nullable CronTrigger schedule(String name) {
		ZoneId zone = parse("zone", AnnotatedOptions::zone);
		String expression = required("value", "a cron expression, or \"" + Cron.DISABLED + "\" for no schedule");
		if (expression.strip().equals(Cron.DISABLED)) {
			return null;
		}
		CronTimes times = parse("value",
				(value) -> CronTimes.parse(value.strip(), (zone != null) ? zone : ZoneId.of("UTC")));
		return new CronTrigger(name, Objects.requireNonNull(times), this.attributes.getEnum("misfire"),
				this.attributes.getEnum("overlap"));
	}

	/**
	 * Read an {@link OnEvent @OnEvent}.
	 * @return the subscription
	 */
	EventTrigger subscription() {
		String filter = parse("filter", UnaryOperator.identity());
		List<String> fields = texts("fields");
		required("value", "the name of an event");
		return Objects.requireNonNull(
				parse("value", (pattern) -> EventTrigger.of(pattern, filter, fields.isEmpty() ? null : fields)));
	}

	/**
	 * Read an {@link OnRowChange @OnRowChange}.
	 * @return what the task runs for
	 */
	RowChangeTrigger rowChange() {
		String schema = parse("schema", UnaryOperator.identity());
		String table = required("table", "the name of a table");
		Set<RowOperation> operations = new LinkedHashSet<>(
				Arrays.asList((RowOperation[]) this.attributes.get("operations")));
		String when = parse("when", UnaryOperator.identity());
		String dedupeKey = parse("dedupeKey", UnaryOperator.identity());
		List<String> columns = unique("columns");
		List<String> watch = unique("watch");
		Map<String, String> mapping = mapping();
		InvokeOptions options = invokeOptions();
		try {
			Content content = new Content(this.attributes.getEnum("payload"), columns.isEmpty() ? null : columns,
					mapping, this.attributes.getBoolean("includeOld"), this.attributes.getBoolean("includeMeta"));
			return new RowChangeTrigger((schema != null) ? schema : RowChangeTrigger.DEFAULT_SCHEMA, table, operations,
					when, watch, content, dedupeKey, options);
		}
		catch (IllegalArgumentException ex) {
			throw this.method.invalid(this.annotation + "(table = " + quoted(this.attributes.getString("table")) + "): "
					+ ex.getMessage(), ex);
		}
	}

	private Map<String, String> mapping() {
		Map<String, String> mapping = new LinkedHashMap<>();
		for (String entry : texts("mapping")) {
			// A column's name may have one, too
			int sign = entry.indexOf('=');
			String name = (sign > 0) ? entry.substring(0, sign).strip() : "";
			String column = entry.substring(sign + 1).strip();
			if (name.isEmpty() || column.isEmpty()) {
				throw invalid("mapping", quoted(entry), "use name=column, such as userId=id");
			}
			if (mapping.put(name, column) != null) {
				throw invalid("mapping", quoted(entry), "the name '" + name + "' is given twice: remove one of them");
			}
		}
		return mapping;
	}

	private InvokeOptions invokeOptions() {
		InvokeOptions options = InvokeOptions.defaults();
		String queue = parse("queue", QueueName::validate);
		if (queue != null) {
			options = options.queue(queue);
		}
		int priority = this.attributes.getNumber("priority");
		if (priority != Task.UNSET) {
			options = options.priority(priority);
		}
		Integer maxAttempts = maxAttempts(this.attributes.getNumber("maxAttempts"));
		if (maxAttempts != null) {
			options = options.maxAttempts(maxAttempts);
		}
		Duration delay = parse("delay", AnnotatedOptions::delay);
		return (delay != null && !delay.isZero()) ? options.delay(delay) : options;
	}

	private static Duration delay(String value) {
		Duration delay = duration(value);
		if (delay.isNegative()) {
			throw new IllegalArgumentException("use a duration that is not negative, or none to run at once");
		}
		// Knows how long it may be
		InvokeOptions.defaults().delay(delay);
		return delay;
	}

	private List<String> unique(String attribute) {
		List<String> values = texts(attribute);
		Set<String> seen = new HashSet<>();
		for (String value : values) {
			if (!seen.add(value)) {
				throw invalid(attribute, quoted(value), "it is given twice: remove one of them");
			}
		}
		return values;
	}

	private List<String> texts(String attribute) {
		List<String> texts = new ArrayList<>();
		for (String value : this.attributes.getStringArray(attribute)) {
			String text = parse(attribute, value, UnaryOperator.identity());
			if (text != null) {
				texts.add(text);
			}
		}
		return texts;
	}

	private String required(String attribute, String what) {
		String value = parse(attribute, UnaryOperator.identity());
		if (value == null) {
			throw invalid(attribute, quoted(this.attributes.getString(attribute)), "give it " + what);
		}
		return value;
	}

	private @Nullable Integer maxAttempts(int value) {
		if (value == Task.UNSET) {
			return null;
		}
		if (value < 1) {
			throw invalid("maxAttempts", String.valueOf(value), "use a number of at least 1");
		}
		return value;
	}

	private @Nullable Integer concurrency(int value) {
		if (value == Task.UNSET) {
			return null;
		}
		if (value < 1 || value > TaskOptions.MOST_CONCURRENT) {
			throw invalid("concurrency", String.valueOf(value),
					"use a number from 1 to " + TaskOptions.MOST_CONCURRENT + ", or none for no limit");
		}
		return value;
	}

	private @Nullable Batching batch(Batch batch) {
		Duration timeout = parse("batch.timeout", batch.timeout(), AnnotatedOptions::duration);
		if (batch.size() == Task.UNSET) {
			if (timeout != null) {
				throw invalid("batch.timeout", quoted(batch.timeout()), "a batch needs a size: add size = …");
			}
			return null;
		}
		try {
			return new Batching(batch.size(), (timeout != null) ? timeout : Batching.DEFAULT_TIMEOUT);
		}
		catch (IllegalArgumentException ex) {
			throw this.method.invalid(this.annotation + "(batch): " + ex.getMessage(), ex);
		}
	}

	private @Nullable RetryPolicy retry(Retry retry) {
		Duration initial = parse("retry.initial", retry.initial(), AnnotatedOptions::duration);
		Duration max = parse("retry.max", retry.max(), AnnotatedOptions::duration);
		double multiplier = retry.multiplier();
		boolean standard = initial == null && max == null && Double.isNaN(multiplier);
		if (standard && Double.isNaN(retry.jitter()) && retry.noRetryFor().length == 0) {
			return null;
		}
		double jitter = Double.isNaN(retry.jitter()) ? RetryPolicy.DEFAULT.jitter() : retry.jitter();
		Set<Class<? extends Throwable>> noRetryFor = new LinkedHashSet<>(Arrays.asList(retry.noRetryFor()));
		try {
			if (standard) {
				return new RetryPolicy(RetryPolicy.DEFAULT.backoff(), jitter, noRetryFor);
			}
			Duration first = (initial != null) ? initial : DEFAULT_INITIAL;
			Duration longest = (max != null) ? max : (first.compareTo(DEFAULT_MAX) > 0) ? first : DEFAULT_MAX;
			return RetryPolicy.exponential(first, Double.isNaN(multiplier) ? DEFAULT_MULTIPLIER : multiplier, longest,
					jitter, noRetryFor);
		}
		catch (IllegalArgumentException ex) {
			throw this.method.invalid(this.annotation + "(retry): " + ex.getMessage(), ex);
		}
	}

	private static Duration timeout(String value) {
		Duration timeout = duration(value);
		if (timeout.isNegative() || timeout.isZero()) {
			throw new IllegalArgumentException("use a positive duration, or none for no timeout");
		}
		return timeout;
	}

	private static ZoneId zone(String value) {
		try {
			return ZoneId.of(value.strip());
		}
		catch (DateTimeException ex) {
			throw new IllegalArgumentException("use the name of a time zone, such as Europe/Vienna or UTC", ex);
		}
	}

	private static Retention retention(String value) {
		if (value.equalsIgnoreCase(NEVER)) {
			return Retention.NEVER;
		}
		try {
			Duration duration = duration(value);
			return duration.isZero() ? Retention.AT_ONCE : Retention.of(duration);
		}
		catch (IllegalArgumentException ex) {
			throw new IllegalArgumentException(
					"use a duration that is not negative, such as 12h, 7d or P1D, 0 to delete at once, or " + NEVER
							+ " to keep for ever",
					ex);
		}
	}

	private static Duration duration(String value) {
		try {
			return DurationFormatterUtils.detectAndParse(value.strip(), DurationFormat.Unit.MILLIS);
		}
		catch (IllegalArgumentException | ArithmeticException ex) {
			throw new IllegalArgumentException("use a duration such as 500ms, 15s, 5m, 2h, 7d or P1D", ex);
		}
	}

	private <T> @Nullable T parse(String attribute, Function<String, T> parser) {
		return parse(attribute, this.attributes.getString(attribute), parser);
	}

	private <T> @Nullable T parse(String attribute, String value, Function<String, T> parser) {
		String resolved = resolve(attribute, value);
		if (resolved.isEmpty()) {
			return null;
		}
		try {
			return parser.apply(resolved);
		}
		catch (IllegalArgumentException ex) {
			String shown = value.equals(resolved) ? quoted(value) : quoted(value) + " -> " + quoted(resolved);
			throw invalid(attribute, shown, String.valueOf(ex.getMessage()));
		}
	}

	private String resolve(String attribute, String value) {
		String resolved;
		try {
			resolved = this.placeholders.apply(value);
		}
		catch (IllegalArgumentException ex) {
			throw invalid(attribute, quoted(value), String.valueOf(ex.getMessage()));
		}
		if (resolved == null) {
			return "";
		}
		if (resolved.contains("${")) {
			// Without a PropertySourcesPlaceholderConfigurer, Spring leaves them as
			// they are
			throw invalid(attribute, quoted(value), "there is no such property: set it, or give a default (${name:…})");
		}
		return resolved;
	}

	private static String quoted(String value) {
		return '"' + value + '"';
	}

	private InvalidTaskException invalid(String attribute, String value, String remedy) {
		return this.method.invalid(this.annotation + "(" + attribute + " = " + value + ") cannot be used: " + remedy);
	}

}
