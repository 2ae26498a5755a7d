package io.pgconductor.autoconfigure;

import io.pgconductor.Conductor;
import io.pgconductor.ConductorClient;
import io.pgconductor.Orchestrator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.context.properties.ConfigurationPropertiesBinding;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/**
 * {@link EnableAutoConfiguration Auto-configuration} for Conductor: a
 * {@link ConductorClient}, which is a {@link Conductor}, and an {@link Orchestrator} that
 * runs the {@link io.pgconductor.annotation.Task @Task} methods of all beans while the
 * application runs.
 * <p>
 * With {@code conductor.worker.enabled=false} there is the client only. Task methods are
 * not looked at then, and {@code conductor.tasks} and the other options of workers have
 * no effect; the schema is installed all the same.
 *
 * @since 0.1.0
 */
@AutoConfiguration(afterName = { "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
		"org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration",
		"org.springframework.boot.hibernate.autoconfigure.HibernateJpaAutoConfiguration" })
@ConditionalOnBooleanProperty(name = "conductor.enabled", matchIfMissing = true)
@EnableConfigurationProperties(ConductorProperties.class)
@Import({ ConductorDatabaseConfiguration.class, ConductorClientConfiguration.class,
		ConductorWorkerConfiguration.class })
public final class ConductorAutoConfiguration {

	@Bean
	@ConfigurationPropertiesBinding
	static RetentionConverter conductorRetentionConverter() {
		return new RetentionConverter();
	}

}
