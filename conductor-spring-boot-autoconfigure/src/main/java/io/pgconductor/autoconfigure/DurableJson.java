package io.pgconductor.autoconfigure;

import io.pgconductor.task.JsonMapping;
import org.springframework.beans.factory.ObjectProvider;
import tools.jackson.databind.cfg.MapperBuilder;
import tools.jackson.databind.json.JsonMapper;

/**
 * Builds the mapper of payloads and results.
 */
final class DurableJson {

	private static final String KOTLIN_MODULE = "tools.jackson.module.kotlin.KotlinModule";

	private DurableJson() {
	}

	static JsonMapper mapper(ClassLoader classLoader,
			ObjectProvider<ConductorJsonMapperBuilderCustomizer> customizers) {
		JsonMapper.Builder builder = JsonMapping.mapperBuilder();
		// Without it, Kotlin's data classes cannot be read; any other module is a choice
		MapperBuilder.findModules(classLoader)
			.stream()
			.filter((module) -> module.getClass().getName().equals(KOTLIN_MODULE))
			.forEach(builder::addModule);
		customizers.orderedStream().forEach((customizer) -> customizer.customize(builder));
		return builder.build();
	}

}
