package io.pgconductor;

/**
 * The engine's entry point: a {@link ConductorClient} that also knows how to install the
 * schema it works on. Thread-safe.
 *
 * @since 0.1.0
 * @see Orchestrator
 */
public interface Conductor extends ConductorClient {

	/**
	 * Install or upgrade the database schema, or verify it where migration is switched
	 * off. Idempotent, and safe to call from several nodes at once. An
	 * {@link Orchestrator} does this when it starts.
	 * @throws ConductorException if the schema cannot be installed or doesn't suit this
	 * version; the message says what to do
	 */
	void ensureInstalled();

}
