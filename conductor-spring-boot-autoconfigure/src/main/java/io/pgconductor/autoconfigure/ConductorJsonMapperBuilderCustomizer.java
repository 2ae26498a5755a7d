package io.pgconductor.autoconfigure;

import tools.jackson.databind.json.JsonMapper;

/**
 * A bean that adjusts how payloads and results are written to the database as JSON and
 * read from it. Conductor has a mapper of its own, which neither {@code spring.jackson.*}
 * nor modules that happen to be on the class path change: what was written must be
 * readable for as long as it is kept. Only Kotlin's module is added where it is present.
 *
 * @since 0.1.0
 */
@FunctionalInterface
public interface ConductorJsonMapperBuilderCustomizer {

	/**
	 * Adjust the builder.
	 * @param builder the builder
	 */
	void customize(JsonMapper.Builder builder);

}
