package io.pgconductor.annotation;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.io.Writer;
import java.lang.reflect.Parameter;
import java.lang.reflect.Type;
import java.sql.Wrapper;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.BaseStream;
import io.pgconductor.BatchContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.InvalidTaskException;
import org.slf4j.Logger;
import org.springframework.util.ClassUtils;

/**
 * Which types of parameters cannot be what a task is invoked with.
 */
final class PayloadRules {

	private static final List<Class<?>> NEVER_PAYLOADS = List.of(InputStream.class, OutputStream.class, Reader.class,
			Writer.class, Thread.class, ClassLoader.class, Executor.class, Future.class, CompletionStage.class,
			BaseStream.class, Wrapper.class, Logger.class);

	private static final List<String> NEVER_PAYLOAD_PACKAGES = List.of("org.springframework.", "java.lang.reflect.",
			"java.util.function.", "jakarta.servlet.");

	private final HandlerMethod method;

	private final Predicate<Class<?>> isBeanType;

	private final String others;

	/**
	 * Create the rules for a method.
	 * @param method the method
	 * @param isBeanType tells whether there are beans of a type
	 * @param others what a parameter can be instead, for messages
	 */
	PayloadRules(HandlerMethod method, Predicate<Class<?>> isBeanType, String others) {
		this.method = method;
		this.isBeanType = isBeanType;
		this.others = others;
	}

	/**
	 * Check that a type can be read from JSON.
	 * @param type the type
	 * @param parameter the parameter that wants it
	 * @throws io.pgconductor.task.InvalidTaskException if it cannot
	 */
	void verify(Type type, Parameter parameter) {
		PayloadType.visit(type, (part) -> verify(part, parameter));
	}

	private void verify(Class<?> type, Parameter parameter) {
		if (type == BatchContext.class) {
			throw this.method.invalid("its parameter '" + describe(parameter)
					+ "' is for methods that take batches: add batch = @Batch(size = …) to its @Task");
		}
		String reason = null;
		if (type.getPackageName().equals(TaskEvent.class.getPackageName())) {
			reason = "a type of Conductor that a task doesn't receive here";
		}
		else if (NEVER_PAYLOADS.stream().anyMatch((never) -> never.isAssignableFrom(type))
				|| NEVER_PAYLOAD_PACKAGES.stream().anyMatch(type.getName()::startsWith)
				|| type.isAnnotationPresent(FunctionalInterface.class)) {
			reason = "a type that is not read from JSON";
		}
		else if (!type.isPrimitive() && !type.getName().startsWith("java.") && this.isBeanType.test(type)) {
			reason = "the type of a bean";
		}
		if (reason != null) {
			throw this.method.invalid("its parameter '" + describe(parameter) + "' can be neither payload, "
					+ this.others + ": " + ClassUtils.getShortName(type) + " is " + reason
					+ ". Inject what is not part of the payload into the bean instead");
		}
	}

	static String describe(Parameter parameter) {
		return parameter.getParameterizedType().getTypeName().replaceAll("\\b[a-z][\\w]*\\.", "").replace('$', '.')
				+ " " + parameter.getName();
	}

}
