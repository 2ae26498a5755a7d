package io.pgconductor.autoconfigure;

import javax.sql.DataSource;

import io.pgconductor.ConductorClient;
import io.pgconductor.Orchestrator;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.test.context.junit.jupiter.SpringJUnitConfig;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.mockingDetails;

/**
 * Tests for an application whose test mocks the client.
 */
@SpringJUnitConfig
class MockedClientTests {

	@MockitoBean
	private ConductorClient client;

	@Test
	void runsNoTasks(@Autowired Orchestrator orchestrator, @Autowired ConductorClient injected) {
		assertThat(mockingDetails(injected).isMock()).isTrue();
		assertThat(injected).isSameAs(this.client);
		assertThat(orchestrator).isInstanceOf(IdleOrchestrator.class);
	}

	@Configuration(proxyBeanMethods = false)
	@ImportAutoConfiguration(ConductorAutoConfiguration.class)
	static class Application {

		@Bean
		DataSource dataSource() {
			return mock(DataSource.class);
		}

	}

}
