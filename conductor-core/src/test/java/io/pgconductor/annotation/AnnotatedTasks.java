package io.pgconductor.annotation;

import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.function.Consumer;

import io.pgconductor.Invocation;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.MapPropertySource;

/**
 * An application context whose tasks were registered.
 */
final class AnnotatedTasks implements AutoCloseable {

	static final TaskContext CONTEXT = (TaskContext) Proxy.newProxyInstance(AnnotatedTasks.class.getClassLoader(),
			new Class<?>[] { TaskContext.class }, (proxy, method, args) -> {
				throw new UnsupportedOperationException(method.getName());
			});

	private final AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();

	private final TaskRegistry registry;

	private AnnotatedTasks(TaskRegistry registry) {
		this.registry = registry;
	}

	static AnnotatedTasks of(Class<?>... components) {
		return of((context) -> context.register(components));
	}

	static AnnotatedTasks of(Consumer<AnnotationConfigApplicationContext> customizer) {
		return of(Map.of(), customizer);
	}

	static AnnotatedTasks withProperties(Map<String, Object> properties, Class<?>... components) {
		return of((context) -> {
			context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("test", properties));
			context.register(components);
		});
	}

	static AnnotatedTasks of(Map<String, TaskOptions> overrides,
			Consumer<AnnotationConfigApplicationContext> customizer) {
		AnnotatedTasks tasks = new AnnotatedTasks(new TaskRegistry(overrides));
		tasks.context.registerBean(TaskRegistry.class, () -> tasks.registry);
		tasks.context.registerBean(TaskAnnotationProcessor.class);
		customizer.accept(tasks.context);
		try {
			tasks.context.refresh();
		}
		catch (RuntimeException ex) {
			tasks.close();
			throw ex;
		}
		return tasks;
	}

	AnnotationConfigApplicationContext context() {
		return this.context;
	}

	TaskRegistry registry() {
		return this.registry;
	}

	TaskSpec task(String name) {
		TaskSpec task = this.registry.find(name);
		if (task == null) {
			throw new AssertionError("No task '" + name + "' in " + this.registry.tasks());
		}
		return task;
	}

	TaskSpec onlyTask() {
		if (this.registry.tasks().size() != 1) {
			throw new AssertionError("Not one task: " + this.registry.tasks());
		}
		return this.registry.tasks().iterator().next();
	}

	@Nullable Object run(String name, @Nullable Object payload) throws Throwable {
		return run(task(name), payload);
	}

	@Nullable Object run(TaskSpec task, @Nullable Object payload) throws Throwable {
		return run(task, new Invocation<>(payload, (type) -> "payload as " + type.getTypeName()));
	}

	@Nullable Object run(TaskSpec task, TaskEvent<?> event) throws Throwable {
		return task.handler().handle(event, CONTEXT);
	}

	@Override
	public void close() {
		this.context.close();
	}

}
