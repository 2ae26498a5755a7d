package io.pgconductor.autoconfigure;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.support.ResourceTransactionManager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;

/**
 * Tests for {@link ConductorDatabase}.
 */
class ConductorDatabaseTests {

	private final DataSource dataSource = mock(DataSource.class);

	private final DataSourceTransactionManager own = new DataSourceTransactionManager(this.dataSource);

	private final DataSourceTransactionManager foreign = new DataSourceTransactionManager(mock(DataSource.class));

	@Test
	void takesTheManagerOfTheDataSource() {
		assertThat(select(this.foreign, this.own)).isSameAs(this.own);
	}

	@Test
	void takesNoManagerOfAnotherDataSource() {
		assertThat(select(this.foreign)).isNull();
		assertThat(select()).isNull();
	}

	@Test
	void takesAManagerOfEntitiesOfTheDataSource() {
		EntityTransactionManager manager = new EntityTransactionManager(this.dataSource);

		assertThat(select(this.foreign, manager)).isSameAs(manager);
		assertThat(select(new EntityTransactionManager(null))).isNull();
	}

	@Test
	void takesAGlobalManager() {
		GlobalTransactionManager manager = new GlobalTransactionManager();

		assertThat(select(manager)).isSameAs(manager);
	}

	@Test
	void seesThroughAProxyThatKnowsTransactions() {
		ConductorDatabase database = ConductorDatabase.select(new TransactionAwareDataSourceProxy(this.dataSource),
				providerOf(), providerOf(this.own));

		assertThat(database.transactionManager()).isSameAs(this.own);
	}

	@Test
	void prefersTheQualifiedManager() {
		ConductorDatabase database = ConductorDatabase.select(this.dataSource, providerOf(this.foreign),
				providerOf(this.own));

		assertThat(database.transactionManager()).isSameAs(this.foreign);
	}

	@Test
	void prefersThePrimaryManagerOfSeveral() {
		DataSourceTransactionManager primary = new DataSourceTransactionManager(this.dataSource);
		try (GenericApplicationContext context = new GenericApplicationContext()) {
			context.registerBean("own", PlatformTransactionManager.class, () -> this.own);
			context.registerBean("primary", PlatformTransactionManager.class, () -> primary,
					(definition) -> ((RootBeanDefinition) definition).setPrimary(true));
			context.refresh();

			ConductorDatabase database = ConductorDatabase.select(this.dataSource, providerOf(),
					context.getBeanProvider(PlatformTransactionManager.class));

			assertThat(database.transactionManager()).isSameAs(primary);
		}
	}

	private @Nullable PlatformTransactionManager select(PlatformTransactionManager... managers) {
		return ConductorDatabase.select(this.dataSource, providerOf(), providerOf(managers)).transactionManager();
	}

	private static ObjectProvider<PlatformTransactionManager> providerOf(PlatformTransactionManager... managers) {
		StaticListableBeanFactory beanFactory = new StaticListableBeanFactory();
		for (PlatformTransactionManager manager : managers) {
			beanFactory.addBean(String.valueOf(System.identityHashCode(manager)), manager);
		}
		return beanFactory.getBeanProvider(PlatformTransactionManager.class);
	}

	static class GlobalTransactionManager implements PlatformTransactionManager {

		@Override
		public TransactionStatus getTransaction(@Nullable TransactionDefinition definition) {
			throw new UnsupportedOperationException();
		}

		@Override
		public void commit(TransactionStatus status) {
		}

		@Override
		public void rollback(TransactionStatus status) {
		}

	}

	static class EntityTransactionManager extends GlobalTransactionManager implements ResourceTransactionManager {

		private final @Nullable DataSource dataSource;

		EntityTransactionManager(@Nullable DataSource dataSource) {
			this.dataSource = dataSource;
		}

		public @Nullable DataSource getDataSource() {
			return this.dataSource;
		}

		@Override
		public Object getResourceFactory() {
			return "the entity manager factory";
		}

	}

}
