package io.pgconductor.autoconfigure;

import java.util.List;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.jdbc.DataSourceUnwrapper;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.sql.init.dependency.DatabaseInitializationDependencyConfigurer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * Chooses the data source, and derives the engine's connections from it.
 */
@Configuration(proxyBeanMethods = false)
class ConductorDatabaseConfiguration {

	@Bean
	@ConditionalOnMissingBean
	ConductorDatabase conductorDatabase(@ConductorDataSource ObjectProvider<DataSource> qualifiedDataSource,
			ObjectProvider<DataSource> dataSources,
			@ConductorTransactionManager ObjectProvider<PlatformTransactionManager> qualifiedTransactionManager,
			ObjectProvider<PlatformTransactionManager> transactionManagers,
			ConfigurableListableBeanFactory beanFactory) {
		DataSource dataSource = qualifiedDataSource.getIfAvailable(dataSources::getIfUnique);
		if (dataSource == null) {
			throw new NoConductorDataSourceException(List.of(beanFactory.getBeanNamesForType(DataSource.class)));
		}
		return ConductorDatabase.select(dataSource, qualifiedTransactionManager, transactionManagers);
	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnBooleanProperty(name = "conductor.worker.enabled", matchIfMissing = true)
	@ConditionalOnClass({ HikariDataSource.class, DataSourceUnwrapper.class })
	static class EnginePoolConfiguration {

		private static final String BOOT_PACKAGE = JdbcConnectionDetails.class.getPackageName();

		@Bean
		@ConditionalOnMissingBean
		EngineConnections conductorEngineConnections(ConductorDatabase database, ConductorProperties properties,
				ObjectProvider<JdbcConnectionDetails> connectionDetails, ConfigurableListableBeanFactory beanFactory) {
			boolean autoConfigured = isAutoConfigured(database.dataSource(), beanFactory);
			// One more for the connection that the engine holds for good
			int size = new ConductorOptions(properties).poolSize() + 1;
			return new EngineConnections(EnginePool.derive(database.dataSource(),
					autoConfigured ? connectionDetails.getIfAvailable() : null, size));
		}

		private static boolean isAutoConfigured(DataSource dataSource, ConfigurableListableBeanFactory beanFactory) {
			try {
				BeanDefinition definition = beanFactory.getBeanDefinition("dataSource");
				String declaredBy = definition.getFactoryBeanName();
				return declaredBy != null && declaredBy.startsWith(BOOT_PACKAGE + ".")
						&& beanFactory.getBean("dataSource") == dataSource;
			}
			catch (NoSuchBeanDefinitionException ex) {
				return false;
			}
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnClass(DatabaseInitializationDependencyConfigurer.class)
	@Import(DatabaseInitializationDependencyConfigurer.class)
	static class DatabaseInitializationConfiguration {

	}

}
