package io.pgconductor.annotation;

import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import io.pgconductor.TaskFailure;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.ResolvableType;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationConfigurationException;
import tools.jackson.databind.JsonNode;

/**
 * The tasks of one bean, and which of them follow the failures of which others.
 */
final class BeanTasks {

	private final ConfigurableListableBeanFactory beanFactory;

	private final BeanTypes beanTypes;

	private final List<TaskSpec> tasks = new ArrayList<>();

	private final List<FailureHandler> failureHandlers = new ArrayList<>();

	/**
	 * Create it for a bean that has no tasks so far.
	 * @param beanFactory has the bean and resolves placeholders
	 * @param beanTypes the types of all beans
	 */
	BeanTasks(ConfigurableListableBeanFactory beanFactory, BeanTypes beanTypes) {
		this.beanFactory = beanFactory;
		this.beanTypes = beanTypes;
	}

	/**
	 * Add a method.
	 * @param method a method with {@link Task @Task}, {@link OnFailure @OnFailure},
	 * {@link Cron @Cron}, {@link OnEvent @OnEvent} or {@link OnRowChange @OnRowChange}
	 * @throws InvalidTaskException if it cannot work
	 */
	void add(HandlerMethod method) {
		method.verifyFinishesItsWork();
		method.verifyLetsSuspensionsPass();
		this.beanTypes.verifyScope(method);
		method.invocableOn(this.beanTypes.exposedType(method.beanName(), method.beanClass()));
		OnFailure onFailure = find(method, OnFailure.class);
		AnnotatedOptions task = read(method, find(method, Task.class));
		MethodTriggers triggers = new MethodTriggers(method);
		if (onFailure != null) {
			if (!triggers.isEmpty()) {
				throw method.invalid("an @OnFailure method runs when a task has failed, and has no other triggers: "
						+ "remove @Cron, @OnEvent and @OnRowChange, or have a method of its own for them");
			}
			addFailureHandler(method, reader(method, onFailure), task);
		}
		else {
			addTask(method, triggers, task);
		}
	}

	private void addTask(HandlerMethod method, MethodTriggers triggers, @Nullable AnnotatedOptions task) {
		TaskOptions options = options(method, task);
		BeanMethod beanMethod = new BeanMethod(this.beanFactory, method);
		Type payloadType;
		boolean payloadRequired = false;
		Class<?> eventType;
		TaskHandler handler;
		if (options.batch() != null) {
			BatchParameters parameters = new BatchParameters(method, this.beanTypes::isBeanType);
			payloadType = parameters.payloadType();
			eventType = parameters.eventType();
			handler = new BeanBatchHandler(beanMethod, parameters.arguments(), method.source());
		}
		else {
			HandlerParameters parameters = new HandlerParameters(method, HandlerParameters.Source.EVENT,
					this.beanTypes::isBeanType);
			payloadType = parameters.payloadType();
			payloadRequired = parameters.payloadRequired();
			eventType = parameters.eventType();
			handler = new BeanTaskHandler(beanMethod, parameters.arguments());
		}
		triggers.verifySuit(payloadType, payloadRequired, eventType);
		String name = nameOf(method, (task != null) ? task.name() : null);
		this.tasks.add(new TaskSpec(name, aliases(task, name), method.source(), payloadType, payloadRequired, handler,
				options, null, triggers.read(name, (annotation) -> reader(method, annotation))));
	}

	private void addFailureHandler(HandlerMethod method, AnnotatedOptions onFailure, @Nullable AnnotatedOptions task) {
		HandlerParameters parameters = new HandlerParameters(method, HandlerParameters.Source.FAILURE,
				this.beanTypes::isBeanType);
		String ownName = onFailure.name();
		String taskName = (task != null) ? task.name() : null;
		if (ownName != null && taskName != null) {
			throw method.invalid("it is named twice, '" + ownName + "' by @OnFailure and '" + taskName
					+ "' by @Task: remove one of the names");
		}
		String name = nameOf(method, (ownName != null) ? ownName : taskName);
		ResolvableType payloadType = (parameters.payloadType() != null)
				? ResolvableType.forType(parameters.payloadType()) : ResolvableType.forClass(Object.class);
		TaskSpec spec = new TaskSpec(name, aliases(task, name), method.source(),
				ResolvableType.forClassWithGenerics(TaskFailure.class, payloadType).getType(), true,
				new BeanTaskHandler(new BeanMethod(this.beanFactory, method), parameters.arguments()),
				options(method, task), null, List.of());
		this.failureHandlers.add(new FailureHandler(method, spec, onFailure.names("value"), payloadType));
	}

	private static String nameOf(HandlerMethod method, @Nullable String name) {
		return (name != null) ? name : kebabCase(method.method().getName());
	}

	private static Set<String> aliases(@Nullable AnnotatedOptions task, String name) {
		return (task != null) ? task.aliases(name) : Set.of();
	}

	private TaskOptions options(HandlerMethod method, @Nullable AnnotatedOptions task) {
		AnnotatedOptions defaults = read(method,
				AnnotatedElementUtils.findMergedAnnotation(method.beanClass(), TaskDefaults.class));
		TaskOptions ofClass = (defaults != null) ? defaults.options() : TaskOptions.none();
		if (task == null) {
			return ofClass;
		}
		boolean windowIsWritten = task.isWritten("window") || (defaults != null && defaults.isWritten("window"));
		if (task.isWritten("zone") && !windowIsWritten) {
			throw method
				.invalid("@Task(zone) has no window to apply to: add window = \"HH:mm-HH:mm\", or remove the zone");
		}
		return task.options().orElse(ofClass);
	}

	private @Nullable AnnotatedOptions read(HandlerMethod method, @Nullable Annotation annotation) {
		return (annotation != null) ? reader(method, annotation) : null;
	}

	private AnnotatedOptions reader(HandlerMethod method, Annotation annotation) {
		return new AnnotatedOptions(method, annotation, this.beanFactory::resolveEmbeddedValue);
	}

	private static <A extends Annotation> @Nullable A find(HandlerMethod method, Class<A> type) {
		try {
			return AnnotatedElementUtils.findMergedAnnotation(method.method(), type);
		}
		catch (AnnotationConfigurationException ex) {
			throw method.invalid(String.valueOf(ex.getMessage()), ex);
		}
	}

	private static String kebabCase(String methodName) {
		return methodName.replaceAll("(\\p{Ll}|\\d)(\\p{Lu})", "$1-$2")
			.replaceAll("(\\p{Lu})(\\p{Lu}\\p{Ll})", "$1-$2")
			.replace('_', '-')
			.toLowerCase(Locale.ROOT);
	}

	/**
	 * Return all tasks of the bean.
	 * @return those that fail, then those that follow their failures
	 * @throws InvalidTaskException if it is not clear which follows which
	 */
	List<TaskSpec> specs() {
		Map<String, FailureHandler> byTask = failureHandlersByTask();
		List<TaskSpec> specs = new ArrayList<>();
		for (TaskSpec task : this.tasks) {
			FailureHandler handler = byTask.get(task.name());
			specs.add((handler != null) ? task.withOnFailure(handler.spec().name()) : task);
		}
		this.failureHandlers.forEach((handler) -> specs.add(handler.spec()));
		return specs;
	}

	private Map<String, FailureHandler> failureHandlersByTask() {
		Map<String, FailureHandler> byTask = new LinkedHashMap<>();
		for (FailureHandler handler : this.failureHandlers) {
			if (this.tasks.isEmpty()) {
				throw handler.invalid("it follows the failures of tasks of the same bean, which has none: "
						+ "move it to the bean whose @Task it is for");
			}
			for (String name : handler.taskNames()) {
				assign(handler, task(name, handler), byTask);
			}
		}
		List<TaskSpec> others = this.tasks.stream().filter((task) -> !byTask.containsKey(task.name())).toList();
		for (FailureHandler handler : this.failureHandlers) {
			if (handler.taskNames().isEmpty()) {
				if (others.isEmpty()) {
					throw handler.invalid("all tasks of the bean have another @OnFailure method, "
							+ "so it would never be called: remove it, or name the tasks it is for");
				}
				others.forEach((task) -> assign(handler, task, byTask));
			}
		}
		return byTask;
	}

	private TaskSpec task(String name, FailureHandler handler) {
		return this.tasks.stream()
			.filter((task) -> task.name().equals(name))
			.findFirst()
			.orElseThrow(
					() -> handler.invalid("@OnFailure names '" + name + "', which is no task of the same bean: use "
							+ String.join(", ", this.tasks.stream().map((task) -> "'" + task.name() + "'").toList())));
	}

	private static void assign(FailureHandler handler, TaskSpec task, Map<String, FailureHandler> byTask) {
		handler.verifyCanReceiveThePayloadOf(task);
		FailureHandler other = byTask.putIfAbsent(task.name(), handler);
		if (other != null) {
			throw handler.invalid("task '" + task.name() + "' has two @OnFailure methods, this one and '"
					+ other.method().method().getName() + "': have one call the other, or name different tasks");
		}
	}

	/**
	 * A task that follows the failures of others.
	 *
	 * @param method its method
	 * @param spec the task
	 * @param taskNames the tasks whose failures it follows; empty: all that are left
	 * @param payloadType what it takes as their payload
	 */
	private record FailureHandler(HandlerMethod method, TaskSpec spec, Set<String> taskNames,
			ResolvableType payloadType) {

		void verifyCanReceiveThePayloadOf(TaskSpec task) {
			if (task.payloadType() == null || holdsAnyJson()) {
				return;
			}
			if (!this.payloadType.isAssignableFrom(ResolvableType.forType(task.payloadType()))) {
				throw invalid("it takes " + this.payloadType + " as the payload of task '" + task.name()
						+ "', which is " + task.payloadType().getTypeName()
						+ ": use the same type, or name the tasks it is for (@OnFailure(\"…\"))");
			}
		}

		private boolean holdsAnyJson() {
			Class<?> type = this.payloadType.toClass();
			return type == Object.class || type == JsonNode.class;
		}

		InvalidTaskException invalid(String problem) {
			return this.method.invalid(problem);
		}

	}

}
