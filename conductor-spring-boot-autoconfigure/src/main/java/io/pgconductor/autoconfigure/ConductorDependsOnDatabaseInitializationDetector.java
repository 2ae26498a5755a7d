package io.pgconductor.autoconfigure;

import java.util.Set;

import io.pgconductor.ConductorClient;
import io.pgconductor.Orchestrator;
import org.springframework.boot.sql.init.dependency.AbstractBeansOfTypeDependsOnDatabaseInitializationDetector;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitializationDetector;

/**
 * {@link DependsOnDatabaseInitializationDetector} for Conductor's beans: the
 * application's own migrations come first, without knowing of Conductor.
 */
class ConductorDependsOnDatabaseInitializationDetector
		extends AbstractBeansOfTypeDependsOnDatabaseInitializationDetector {

	@Override
	protected Set<Class<?>> getDependsOnDatabaseInitializationBeanTypes() {
		return Set.of(ConductorClient.class, Orchestrator.class);
	}

}
