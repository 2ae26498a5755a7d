package io.pgconductor.autoconfigure;

import io.pgconductor.worker.ConductorBuilder;

/**
 * A bean that adjusts the {@link ConductorBuilder} when the properties have been applied
 * to it.
 *
 * @since 0.1.0
 * @see OrchestratorBuilderCustomizer
 */
@FunctionalInterface
public interface ConductorBuilderCustomizer {

	/**
	 * Adjust the builder.
	 * @param builder the builder
	 */
	void customize(ConductorBuilder builder);

}
