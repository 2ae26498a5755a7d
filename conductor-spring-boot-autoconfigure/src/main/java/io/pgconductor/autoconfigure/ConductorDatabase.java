package io.pgconductor.autoconfigure;

import java.util.List;
import java.util.Objects;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeanWrapper;
import org.springframework.beans.PropertyAccessorFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.ResourceTransactionManager;

/**
 * Which of the application's data sources Conductor works on.
 *
 * @param dataSource the data source
 * @param transactionManager what manages its transactions, {@code null} if nothing does
 */
record ConductorDatabase(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager) {

	static ConductorDatabase select(DataSource dataSource, ObjectProvider<PlatformTransactionManager> qualified,
			ObjectProvider<PlatformTransactionManager> all) {
		PlatformTransactionManager manager = qualified.getIfAvailable();
		return new ConductorDatabase(dataSource, (manager != null) ? manager : managerOf(dataSource, all));
	}

	private static @Nullable PlatformTransactionManager managerOf(DataSource dataSource,
			ObjectProvider<PlatformTransactionManager> all) {
		List<PlatformTransactionManager> managers = all.orderedStream()
			.filter((manager) -> manages(manager, dataSource))
			.toList();
		PlatformTransactionManager preferred = all.getIfUnique();
		return managers.contains(preferred) ? preferred : managers.stream().findFirst().orElse(null);
	}

	private static boolean manages(PlatformTransactionManager manager, DataSource dataSource) {
		// JPA's transaction manager is one of an EntityManagerFactory, and exposes the
		// data source as a property
		BeanWrapper properties = PropertyAccessorFactory.forBeanPropertyAccess(manager);
		Object managed = properties.isReadableProperty("dataSource") ? properties.getPropertyValue("dataSource") : null;
		if (managed == null && manager instanceof ResourceTransactionManager resourceManager) {
			managed = resourceManager.getResourceFactory();
		}
		// A global transaction manager belongs to all
		return (managed != null) ? target(managed) == target(dataSource)
				: !(manager instanceof ResourceTransactionManager);
	}

	private static Object target(Object dataSource) {
		return (dataSource instanceof TransactionAwareDataSourceProxy proxy)
				? Objects.requireNonNullElse(proxy.getTargetDataSource(), proxy) : dataSource;
	}

}
