package io.pgconductor.annotation;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;

/**
 * Registers the {@link Task @Task}, {@link OnFailure @OnFailure}, {@link Cron @Cron},
 * {@link OnEvent @OnEvent} and {@link OnRowChange @OnRowChange} methods of all beans in
 * the {@link TaskRegistry}.
 * <p>
 * Looks at the types of the beans when all singletons exist, without creating any bean. A
 * bean that doesn't exist yet is judged by the type its definition declares. Does no I/O.
 */
public final class TaskAnnotationProcessor implements SmartInitializingSingleton {

	private static final Logger logger = LoggerFactory.getLogger(TaskAnnotationProcessor.class);

	private static final Set<Class<? extends Annotation>> ANNOTATIONS = Set.of(Task.class, OnFailure.class, Cron.class,
			OnEvent.class, OnRowChange.class);

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
			BeanTasks tasks = new BeanTasks(this.beanFactory, beanTypes);
			for (Method method : annotatedMethods(beanClass)) {
				tasks.add(new HandlerMethod(beanName, beanClass, method));
			}
			tasks.specs().forEach(this.registry::register);
		});
		this.registry.verifyOverrides();
	}

	private static Set<Method> annotatedMethods(Class<?> type) {
		if (!AnnotationUtils.isCandidateClass(type, ANNOTATIONS)) {
			return Set.of();
		}
		try {
			Map<Method, Boolean> methods = MethodIntrospector.selectMethods(type,
					(Method method) -> isAnnotated(method) ? Boolean.TRUE : null);
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

	private static boolean isAnnotated(Method method) {
		MergedAnnotations annotations = MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY);
		return ANNOTATIONS.stream().anyMatch(annotations::isPresent);
	}

}
