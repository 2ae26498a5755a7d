package io.pgconductor.autoconfigure;

import io.pgconductor.worker.OrchestratorBuilder;

/**
 * A bean that adjusts the {@link OrchestratorBuilder} when the properties have been
 * applied to it.
 *
 * @since 0.1.0
 * @see ConductorBuilderCustomizer
 */
@FunctionalInterface
public interface OrchestratorBuilderCustomizer {

	/**
	 * Adjust the builder.
	 * @param builder the builder
	 */
	void customize(OrchestratorBuilder builder);

}
