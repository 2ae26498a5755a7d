package io.pgconductor.annotation;

import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import io.pgconductor.QueueName;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationConfigurationException;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * Registers the {@link Task @Task} methods of all beans in the {@link TaskRegistry}.
 * <p>
 * Looks at the types of the beans when all singletons exist, without creating any bean. A
 * bean that doesn't exist yet is judged by the type its definition declares. Does no I/O.
 */
public final class TaskAnnotationProcessor implements SmartInitializingSingleton {

	private static final Logger logger = LoggerFactory.getLogger(TaskAnnotationProcessor.class);

	private final TaskRegistry registry;

	private final ConfigurableListableBeanFactory beanFactory;

	/**
	 * Create a processor.
	 * @param registry receives the tasks
	 * @param beanFactory has the beans and resolves placeholders
	 */
	public TaskAnnotationProcessor(TaskRegistry registry, ConfigurableListableBeanFactory beanFactory) {
		this.registry = registry;
		this.beanFactory = beanFactory;
	}

	/**
	 * Scan the beans.
	 * @throws InvalidTaskException if an annotated method cannot work as a task; the
	 * message says why and what to change
	 */
	@Override
	public void afterSingletonsInstantiated() {
		BeanTypes beanTypes = new BeanTypes(this.beanFactory);
		beanTypes.forEach((beanName, beanClass) -> {
			for (Method method : annotatedMethods(beanClass)) {
				register(new HandlerMethod(beanName, beanClass, method), beanTypes);
			}
		});
		this.registry.verifyOverrides();
	}

	private static Set<Method> annotatedMethods(Class<?> type) {
		if (!AnnotationUtils.isCandidateClass(type, Task.class)) {
			return Set.of();
		}
		try {
			Map<Method, Boolean> methods = MethodIntrospector.selectMethods(type,
					(Method method) -> AnnotatedElementUtils.hasAnnotation(method, Task.class) ? Boolean.TRUE : null);
			// The JVM's order varies
			Set<Method> sorted = new LinkedHashSet<>();
			methods.keySet().stream().sorted(Comparator.comparing(Method::toString)).forEach(sorted::add);
			return sorted;
		}
		catch (IllegalStateException | LinkageError ex) {
			logger.debug("Not looking for tasks in {}, whose methods name types that are missing", type, ex);
			return Set.of();
		}
	}

	private void register(HandlerMethod handlerMethod, BeanTypes beanTypes) {
		handlerMethod.verifyFinishesItsWork();
		beanTypes.verifyScope(handlerMethod);
		handlerMethod.invocableOn(beanTypes.exposedType(handlerMethod.beanName(), handlerMethod.beanClass()));
		HandlerParameters parameters = new HandlerParameters(handlerMethod, beanTypes::isBeanType);
		Task task = task(handlerMethod);
		AnnotatedOptions options = new AnnotatedOptions(handlerMethod, Task.class,
				this.beanFactory::resolveEmbeddedValue);
		String name = options.name(task);
		if (name == null) {
			name = kebabCase(handlerMethod.method().getName());
		}
		TaskSpec spec = new TaskSpec(name, options.aliases(task, name), handlerMethod.source(),
				parameters.payloadType(), parameters.payloadRequired(),
				new BeanTaskHandler(this.beanFactory, handlerMethod, parameters.arguments()), QueueName.DEFAULT, 0,
				TaskSpec.DEFAULT_MAX_ATTEMPTS, RetryPolicy.DEFAULT, null, null, null);
		this.registry.register(withDefaults(spec, handlerMethod).with(options.read(task)));
	}

	private TaskSpec withDefaults(TaskSpec spec, HandlerMethod handlerMethod) {
		TaskDefaults defaults = AnnotatedElementUtils.findMergedAnnotation(handlerMethod.beanClass(),
				TaskDefaults.class);
		if (defaults == null) {
			return spec;
		}
		return spec.with(new AnnotatedOptions(handlerMethod, TaskDefaults.class, this.beanFactory::resolveEmbeddedValue)
			.read(defaults));
	}

	private static Task task(HandlerMethod handlerMethod) {
		try {
			Task task = AnnotatedElementUtils.findMergedAnnotation(handlerMethod.method(), Task.class);
			if (task == null) {
				throw new IllegalStateException("@Task has vanished from " + handlerMethod.method());
			}
			return task;
		}
		catch (AnnotationConfigurationException ex) {
			throw handlerMethod.invalid(String.valueOf(ex.getMessage()), ex);
		}
	}

	private static String kebabCase(String methodName) {
		return methodName.replaceAll("(\\p{Ll}|\\d)(\\p{Lu})", "$1-$2")
			.replaceAll("(\\p{Lu})(\\p{Lu}\\p{Ll})", "$1-$2")
			.replace('_', '-')
			.toLowerCase(Locale.ROOT);
	}

}
