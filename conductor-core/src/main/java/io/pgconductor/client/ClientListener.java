package io.pgconductor.client;

import java.util.Set;

/**
 * Is told what a client did, in the process that did it.
 */
public interface ClientListener {

	/**
	 * Something has become ready or will soon, and its transaction has committed.
	 * @param targets whom it concerns: {@code queue:} and a queue's name, or
	 * {@code promoter}
	 */
	void committed(Set<String> targets);

	/**
	 * A task was invoked that no worker has ever registered.
	 * @param task the task's name
	 */
	void unregisteredTaskInvoked(String task);

}
