package io.pgconductor;

import java.lang.reflect.Type;

import org.springframework.core.ParameterizedTypeReference;

/**
 * A task's name with the types of its payload and result: a constant that those who run
 * the task and those who invoke it can share. Immutable.
 *
 * <pre class="code">
 * TaskDefinition&lt;SendEmail, Sent&gt; SEND_EMAIL = TaskDefinition.of("send-email", SendEmail.class, Sent.class);
 * </pre>
 *
 * @param <P> the payload's type
 * @param <R> the result's type
 * @since 0.1.0
 */
public final class TaskDefinition<P, R> {

	private final String name;

	private final Type payloadType;

	private final Type resultType;

	private TaskDefinition(String name, Type payloadType, Type resultType) {
		this.name = name;
		this.payloadType = payloadType;
		this.resultType = resultType;
	}

	/**
	 * Define a task.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param name the task's name
	 * @param payloadType the payload's type; {@code Void} for none
	 * @param resultType the result's type; {@code Void} for none
	 * @return the definition
	 */
	public static <P, R> TaskDefinition<P, R> of(String name, Class<P> payloadType, Class<R> resultType) {
		return new TaskDefinition<>(name, payloadType, resultType);
	}

	/**
	 * Define a task with generic types.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param name the task's name
	 * @param payloadType the payload's type
	 * @param resultType the result's type
	 * @return the definition
	 */
	public static <P, R> TaskDefinition<P, R> of(String name, ParameterizedTypeReference<P> payloadType,
			ParameterizedTypeReference<R> resultType) {
		return new TaskDefinition<>(name, payloadType.getType(), resultType.getType());
	}

	/**
	 * Return the name the task is invoked by.
	 * @return the task's name
	 */
	public String name() {
		return this.name;
	}

	/**
	 * Return what the task is invoked with.
	 * @return the payload's type
	 */
	public Type payloadType() {
		return this.payloadType;
	}

	/**
	 * Return what the task returns.
	 * @return the result's type
	 */
	public Type resultType() {
		return this.resultType;
	}

	@Override
	public String toString() {
		return "Task '" + this.name + "'";
	}

}
