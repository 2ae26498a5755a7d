package io.pgconductor.annotation;

import java.lang.reflect.Parameter;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.TaskFailure;
import io.pgconductor.task.InvalidTaskException;
import org.jspecify.annotations.Nullable;
import org.springframework.util.ClassUtils;

/**
 * Finds out what the parameters of a handler method are to receive.
 */
final class HandlerParameters {

	private final HandlerMethod method;

	private final PayloadRules rules;

	private final Source source;

	private final PayloadType types;

	private final List<HandlerArgument> arguments = new ArrayList<>();

	/**
	 * Where the arguments come from.
	 */
	enum Source {

		/**
		 * The event that a task is called for.
		 */
		EVENT(TaskEvent.class, List.of(TaskContext.class)),

		/**
		 * The {@link TaskFailure} that a task is invoked with.
		 */
		FAILURE(TaskFailure.class, List.of(ExecutionError.class, TaskContext.class));

		private final Class<?> envelope;

		private final List<Class<?>> others;

		Source(Class<?> envelope, List<Class<?>> others) {
			this.envelope = envelope;
			this.others = others;
		}

		private String others() {
			return this.others.stream().map(Class::getSimpleName).collect(Collectors.joining(", ")) + " nor "
					+ this.envelope.getSimpleName() + "<P>";
		}

	}

	private @Nullable Parameter payloadParameter;

	private @Nullable Parameter envelopeParameter;

	private @Nullable Type payloadType;

	private boolean payloadRequired;

	private @Nullable Class<?> eventType;

	/**
	 * Look at the parameters of a method.
	 * @param method the method
	 * @param source where the arguments come from
	 * @param isBeanType tells whether there are beans of a type
	 * @throws InvalidTaskException if it is not clear what a parameter is to receive
	 */
	HandlerParameters(HandlerMethod method, Source source, Predicate<Class<?>> isBeanType) {
		this.method = method;
		this.source = source;
		this.rules = new PayloadRules(method, isBeanType, source.others());
		this.types = new PayloadType(method.beanClass());
		for (Parameter parameter : method.method().getParameters()) {
			this.arguments.add(argument(parameter));
		}
	}

	List<HandlerArgument> arguments() {
		return this.arguments;
	}

	/**
	 * Return the type the payload is to be read as.
	 * @return the type, {@code null} if the method leaves it open
	 */
	@Nullable Type payloadType() {
		return this.payloadType;
	}

	boolean payloadRequired() {
		return this.payloadRequired;
	}

	/**
	 * Return which kind of event the method takes.
	 * @return a kind of {@link TaskEvent}; {@code null} if it takes any, or none
	 */
	@Nullable Class<?> eventType() {
		return this.eventType;
	}

	private HandlerArgument argument(Parameter parameter) {
		Class<?> type = parameter.getType();
		if (type == TaskContext.class) {
			return (event, context) -> context;
		}
		if (type == ExecutionError.class && this.source == Source.FAILURE) {
			return (event, context) -> failure(event).error();
		}
		if (this.source.envelope.isAssignableFrom(type)) {
			Type declared = PayloadType.argumentOf(parameter.getParameterizedType());
			if (declared != null) {
				declarePayload(resolve(parameter, declared), parameter);
				this.envelopeParameter = parameter;
			}
			if (type != this.source.envelope) {
				if (this.eventType != null && this.eventType != type) {
					throw this.method.invalid("it takes both " + this.eventType.getSimpleName() + " and "
							+ type.getSimpleName() + ", and no event is both: take a TaskEvent");
				}
				this.eventType = type;
			}
			return (event, context) -> ofType(type, envelope(event));
		}
		if (this.payloadParameter != null) {
			throw this.method.invalid("its parameters '" + PayloadRules.describe(this.payloadParameter) + "' and '"
					+ PayloadRules.describe(parameter) + "' would both be the payload: "
					+ "put what they hold into one type, and inject beans into the bean");
		}
		HandlerArgument argument = payload(parameter);
		this.payloadParameter = parameter;
		return argument;
	}

	private HandlerArgument payload(Parameter parameter) {
		Class<?> type = parameter.getType();
		if (type == Optional.class) {
			Type declared = PayloadType.argumentOf(parameter.getParameterizedType());
			if (declared == null) {
				throw this.method.invalid("its parameter '" + PayloadRules.describe(parameter)
						+ "' doesn't say what the payload is: give Optional a type");
			}
			declarePayload(resolve(parameter, declared), parameter);
			return (event, context) -> Optional.ofNullable(payload(event));
		}
		if (type.isPrimitive()) {
			declarePayload(ClassUtils.resolvePrimitiveIfNecessary(type), parameter);
			this.payloadRequired = true;
			return (event, context) -> required(payload(event), parameter);
		}
		declarePayload(resolve(parameter, parameter.getParameterizedType()), parameter);
		return (event, context) -> payload(event);
	}

	private Object ofType(Class<?> type, Object event) {
		if (!type.isInstance(event)) {
			throw new InvalidPayloadException(
					this.method.source() + " takes " + type.getSimpleName() + " only, but was called for "
							+ event.getClass().getSimpleName() + " (" + event + "): have it take a TaskEvent");
		}
		return event;
	}

	private Object envelope(TaskEvent<?> event) {
		return (this.source == Source.FAILURE) ? failure(event) : event;
	}

	private @Nullable Object payload(TaskEvent<?> event) {
		return (this.source == Source.FAILURE) ? failure(event).payload() : event.payload();
	}

	private TaskFailure<?> failure(TaskEvent<?> event) {
		if (event.payload() instanceof TaskFailure<?> failure) {
			return failure;
		}
		throw new InvalidPayloadException(this.method.source() + " needs a TaskFailure as payload, but got "
				+ ClassUtils.getDescriptiveType(event.payload()));
	}

	private Object required(@Nullable Object payload, Parameter parameter) {
		if (payload == null) {
			throw new InvalidPayloadException(this.method.source() + " needs a payload for its parameter '"
					+ PayloadRules.describe(parameter) + "'");
		}
		return payload;
	}

	private void declarePayload(Type type, Parameter parameter) {
		this.rules.verify(type, parameter);
		Parameter other = (this.payloadParameter != null) ? this.payloadParameter : this.envelopeParameter;
		if (other != null && !type.equals(this.payloadType)) {
			throw this.method.invalid("its parameters '" + PayloadRules.describe(other) + "' and '"
					+ PayloadRules.describe(parameter) + "' want the payload as different types: use the same type, or "
					+ this.source.envelope.getSimpleName() + "<?>");
		}
		this.payloadType = type;
	}

	private Type resolve(Parameter parameter, Type type) {
		try {
			return this.types.resolve(type);
		}
		catch (IllegalArgumentException ex) {
			throw this.method.invalid("the payload's type cannot be told from its parameter '"
					+ PayloadRules.describe(parameter) + "': " + ex.getMessage() + "; have a subclass bind it");
		}
	}

}
