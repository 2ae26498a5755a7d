package io.pgconductor.autoconfigure.health;

import io.pgconductor.Conductor;
import io.pgconductor.Orchestrator;
import io.pgconductor.autoconfigure.ConductorAutoConfiguration;
import io.pgconductor.autoconfigure.ConductorProperties;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * {@link EnableAutoConfiguration Auto-configuration} for Conductor's health indicator.
 *
 * @since 0.1.0
 */
@AutoConfiguration(after = ConductorAutoConfiguration.class)
@ConditionalOnClass({ HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class })
@ConditionalOnEnabledHealthIndicator("conductor")
@ConditionalOnBooleanProperty(name = "conductor.enabled", matchIfMissing = true)
public final class ConductorHealthContributorAutoConfiguration {

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnBean(Orchestrator.class)
	static class WorkerConfiguration {

		@Bean
		@ConditionalOnMissingBean(name = { "conductorHealthIndicator", "conductorHealthContributor" })
		ConductorHealthIndicator conductorHealthIndicator(Orchestrator orchestrator, ConductorProperties properties) {
			return new ConductorHealthIndicator(orchestrator, properties.getNodeTimeout());
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnBean(Conductor.class)
	@ConditionalOnMissingBean(Orchestrator.class)
	static class ClientConfiguration {

		@Bean
		@ConditionalOnMissingBean(name = { "conductorHealthIndicator", "conductorHealthContributor" })
		ConductorClientHealthIndicator conductorHealthIndicator(Conductor conductor) {
			return new ConductorClientHealthIndicator(conductor);
		}

	}

}
