package io.pgconductor.annotation;

import java.lang.reflect.Parameter;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

import io.pgconductor.BatchContext;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.InvalidTaskException;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what the parameters of a method that takes batches are to receive.
 */
final class BatchParameters {

	private final HandlerMethod method;

	private final PayloadRules rules;

	private final PayloadType types;

	private final List<BatchArgument> arguments = new ArrayList<>();

	private @Nullable Type payloadType;

	private @Nullable Class<?> eventType;

	/**
	 * Look at the parameters of a method.
	 * @param method the method
	 * @param isBeanType tells whether there are beans of a type
	 * @throws InvalidTaskException if it is not clear what a parameter is to receive
	 */
	BatchParameters(HandlerMethod method, Predicate<Class<?>> isBeanType) {
		this.method = method;
		this.rules = new PayloadRules(method, isBeanType, "List<P>, List<TaskEvent<P>> nor BatchContext");
		this.types = new PayloadType(method.beanClass());
		for (Parameter parameter : method.method().getParameters()) {
			this.arguments.add(argument(parameter));
		}
		Class<?> result = method.method().getReturnType();
		if (result != void.class && result != Void.class && !List.class.isAssignableFrom(result)
				&& result != Object.class) {
			throw method.invalid("it returns " + result.getSimpleName() + " for a batch: "
					+ "return a List with one result for each execution, or void");
		}
	}

	List<BatchArgument> arguments() {
		return this.arguments;
	}

	/**
	 * Return the type that payloads are to be read as.
	 * @return the type, {@code null} if the method leaves it open
	 */
	@Nullable Type payloadType() {
		return this.payloadType;
	}

	/**
	 * Return which kind of event the method takes.
	 * @return a kind of {@link TaskEvent}; {@code null} if it takes any, or none
	 */
	@Nullable Class<?> eventType() {
		return this.eventType;
	}

	private BatchArgument argument(Parameter parameter) {
		Class<?> type = parameter.getType();
		if (type == BatchContext.class) {
			return (events, context) -> context;
		}
		if (type == TaskContext.class) {
			throw this.method.invalid("its parameter '" + PayloadRules.describe(parameter)
					+ "' is of one execution, but it takes batches: take a BatchContext");
		}
		Type element = (type == List.class) ? PayloadType.argumentOf(parameter.getParameterizedType()) : null;
		if (element == null) {
			throw this.method.invalid("its parameter '" + PayloadRules.describe(parameter)
					+ "' can be neither List<P>, List<TaskEvent<P>> nor BatchContext, which is what a method with "
					+ "@Batch takes: give it a List with the type of the payload");
		}
		Class<?> elementClass = raw(element);
		if (elementClass != null && TaskEvent.class.isAssignableFrom(elementClass)) {
			return events(parameter, element, elementClass);
		}
		declarePayload(parameter, element);
		return (events, context) -> events.stream().<@Nullable Object>map(TaskEvent::payload).toList();
	}

	private BatchArgument events(Parameter parameter, Type element, Class<?> elementClass) {
		Type payload = PayloadType.argumentOf(element);
		if (payload != null) {
			declarePayload(parameter, payload);
		}
		if (elementClass != TaskEvent.class) {
			this.eventType = elementClass;
		}
		return (events, context) -> {
			events.forEach((event) -> verifyKind(elementClass, event));
			return events;
		};
	}

	private void verifyKind(Class<?> type, TaskEvent<?> event) {
		if (!type.isInstance(event)) {
			throw new InvalidPayloadException(this.method.source() + " takes " + type.getSimpleName()
					+ " only, but was called for " + event.getClass().getSimpleName() + ": have it take TaskEvents");
		}
	}

	private static @Nullable Class<?> raw(Type type) {
		if (type instanceof Class<?> plain) {
			return plain;
		}
		return (type instanceof ParameterizedType generic) ? (Class<?>) generic.getRawType() : null;
	}

	private void declarePayload(Parameter parameter, Type declared) {
		Type type;
		try {
			type = this.types.resolve(declared);
		}
		catch (IllegalArgumentException ex) {
			throw this.method.invalid("the payload's type cannot be told from its parameter '"
					+ PayloadRules.describe(parameter) + "': " + ex.getMessage() + "; have a subclass bind it");
		}
		this.rules.verify(type, parameter);
		if (this.payloadType != null && !type.equals(this.payloadType)) {
			throw this.method.invalid("its parameters want the payload as different types, " + this.payloadType
					+ " and " + type + ": use the same type, or List<TaskEvent<?>>");
		}
		this.payloadType = type;
	}

}
