package io.pgconductor.autoconfigure;

import java.util.Objects;

import io.pgconductor.Conductor;
import io.pgconductor.ConductorClient;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.worker.ConductorBuilder;
import io.pgconductor.worker.ConductorMetrics;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.io.ResourceLoader;
import org.springframework.util.ClassUtils;
import org.springframework.util.StringUtils;

/**
 * What every application with Conductor has, whether it runs tasks or not.
 */
@Configuration(proxyBeanMethods = false)
class ConductorClientConfiguration {

	@Bean
	@ConditionalOnMissingBean
	TaskRegistry conductorTaskRegistry(ConductorProperties properties, Environment environment) {
		if (properties.getWorker().isEnabled()) {
			new NamedOptionsVerifier("conductor.tasks", ConductorProperties.Task.class).verify(environment);
		}
		return new TaskRegistry(new ConductorOptions(properties).tasks());
	}

	@Bean
	@ConditionalOnMissingBean(ConductorClient.class)
	Conductor conductor(ConductorProperties properties, Environment environment, ResourceLoader resourceLoader,
			ConductorDatabase database, ObjectProvider<EngineConnections> engineConnections,
			ObjectProvider<ConductorMetrics> metrics,
			ObjectProvider<ConductorJsonMapperBuilderCustomizer> jsonCustomizers,
			ObjectProvider<ConductorBuilderCustomizer> customizers) {
		ClassLoader classLoader = Objects.requireNonNullElseGet(resourceLoader.getClassLoader(),
				ClassUtils::getDefaultClassLoader);
		ConductorOptions options = new ConductorOptions(properties);
		ConductorBuilder builder = new ConductorBuilder(database.dataSource())
			.transactionManager(database.transactionManager())
			.schema(properties.getSchema())
			.application(application(properties, environment))
			.migrate(properties.isMigrate())
			.maxPayloadSize(options.maxPayloadSize())
			.maxFanInSize(options.maxFanInSize())
			.jsonMapper(DurableJson.mapper(classLoader, jsonCustomizers))
			.foreignTransaction(properties.getForeignTransaction())
			.metrics(metrics.getIfAvailable(() -> ConductorMetrics.NONE));
		engineConnections
			.ifAvailable((connections) -> builder.engineDataSource(connections.orElse(database.dataSource())));
		customizers.orderedStream().forEach((customizer) -> customizer.customize(builder));
		Conductor conductor = build(builder, properties);
		// Beans that use the client while they are being initialised find the schema
		SchemaInstallation.attempt(conductor::ensureInstalled);
		return conductor;
	}

	private static Conductor build(ConductorBuilder builder, ConductorProperties properties) {
		try {
			return builder.build();
		}
		catch (IllegalArgumentException ex) {
			throw new InvalidConfigurationPropertyValueException("conductor.schema", properties.getSchema(),
					ex.getMessage());
		}
	}

	private static @Nullable String application(ConductorProperties properties, Environment environment) {
		String application = properties.getApplication();
		if (application == null) {
			application = environment.getProperty("spring.application.name");
		}
		return StringUtils.hasText(application) ? application : null;
	}

	@Bean
	@ConditionalOnMissingBean
	@ConditionalOnBean(Conductor.class)
	@ConditionalOnBooleanProperty(name = "conductor.worker.enabled", havingValue = false)
	SchemaInstallation conductorSchemaInstallation(ObjectProvider<Conductor> conductors) {
		return new SchemaInstallation(() -> conductors.ifAvailable(Conductor::ensureInstalled));
	}

}
