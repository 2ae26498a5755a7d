package io.pgconductor.autoconfigure;

import io.pgconductor.Conductor;
import io.pgconductor.Orchestrator;
import io.pgconductor.annotation.TaskAnnotationProcessor;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.worker.OrchestratorBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/**
 * What runs tasks.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnBooleanProperty(name = "conductor.worker.enabled", matchIfMissing = true)
@ConditionalOnBean(Conductor.class)
class ConductorWorkerConfiguration {

	private static final Logger logger = LoggerFactory.getLogger(ConductorWorkerConfiguration.class);

	@Bean
	@ConditionalOnMissingBean
	static TaskAnnotationProcessor conductorTaskAnnotationProcessor(TaskRegistry registry,
			ConfigurableListableBeanFactory beanFactory) {
		return new TaskAnnotationProcessor(registry, beanFactory);
	}

	@Bean(destroyMethod = "stop")
	@ConditionalOnMissingBean
	Orchestrator conductorOrchestrator(ObjectProvider<Conductor> conductors, TaskRegistry registry,
			ConductorProperties properties, Environment environment,
			ObjectProvider<OrchestratorBuilderCustomizer> customizers) {
		new NamedOptionsVerifier("conductor.worker.queues", ConductorProperties.Worker.Queue.class).verify(environment);
		new NamedOptionsVerifier("conductor.worker.shared", ConductorProperties.Worker.Shared.class)
			.verify(environment);
		Conductor conductor = conductors.getIfAvailable();
		if (conductor == null) {
			logger.warn("No tasks are run: the Conductor of this application was replaced by something else");
			return new IdleOrchestrator();
		}
		ConductorOptions options = new ConductorOptions(properties);
		OrchestratorBuilder builder = new OrchestratorBuilder(target(conductor), registry)
			.defaultWorker(options.defaultWorker())
			.nodeTimeout(options.nodeTimeout())
			.shutdownTimeout(options.shutdownTimeout())
			.notifications(properties.getNotifications().isEnabled())
			.virtualThreads(properties.getWorker().isVirtualThreads())
			.retention(properties.getRetention().getCompleted(), properties.getRetention().getFailed())
			.eventRetention(properties.getRetention().getEvents())
			.misfireThreshold(options.misfireThreshold())
			.installRowChanges(properties.getRowChanges().isInstall());
		options.workers().forEach(builder::worker);
		options.sharedWorkers().forEach((name, worker) -> builder.sharedWorker(name, worker, options.weights(name)));
		customizers.orderedStream().forEach((customizer) -> customizer.customize(builder));
		return builder.build();
	}

	private static Conductor target(Conductor conductor) {
		return (AopProxyUtils.getSingletonTarget(conductor) instanceof Conductor target) ? target : conductor;
	}

	@Bean
	@ConditionalOnMissingBean
	ConductorLifecycle conductorLifecycle(Orchestrator orchestrator,
			ObjectProvider<EngineConnections> engineConnections) {
		return new ConductorLifecycle(orchestrator, () -> engineConnections.ifAvailable(EngineConnections::release));
	}

}
