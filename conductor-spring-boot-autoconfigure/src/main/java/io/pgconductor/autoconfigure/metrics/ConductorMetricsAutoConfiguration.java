package io.pgconductor.autoconfigure.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.pgconductor.autoconfigure.ConductorAutoConfiguration;
import io.pgconductor.worker.ConductorMetrics;
import io.pgconductor.worker.MicrometerConductorMetrics;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * {@link EnableAutoConfiguration Auto-configuration} for Conductor's Micrometer metrics.
 *
 * @since 0.1.0
 */
@AutoConfiguration(before = ConductorAutoConfiguration.class, afterName = {
		"org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration",
		"org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
		"org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration" })
@ConditionalOnClass(MeterRegistry.class)
@ConditionalOnSingleCandidate(MeterRegistry.class)
@ConditionalOnBooleanProperty(name = "conductor.enabled", matchIfMissing = true)
public final class ConductorMetricsAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(ConductorMetrics.class)
	MicrometerConductorMetrics conductorMetrics(MeterRegistry registry) {
		return new MicrometerConductorMetrics(registry);
	}

}
