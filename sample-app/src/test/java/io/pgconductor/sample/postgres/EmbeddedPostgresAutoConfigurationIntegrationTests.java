package io.pgconductor.sample.postgres;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;

import javax.sql.DataSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcClientAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

class EmbeddedPostgresAutoConfigurationIntegrationTests {

	@TempDir
	private Path directory;

	@Test
	void startsAServerThatSyncsItsWritesAndStopsIt() {
		runner().run((context) -> {
			assertThat(jdbcClient(context).sql("show fsync").query(String.class).single()).isEqualTo("on");
			assertThat(jdbcClient(context).sql("show synchronous_commit").query(String.class).single()).isEqualTo("on");
		});

		assertThat(Postmaster.pidFile(dataDirectory())).doesNotExist();
	}

	@Test
	void keepsItsData() {
		runner().run((context) -> jdbcClient(context).sql("create table kept as select 'kept' as what").update());

		runner()
			.run((context) -> assertThat(jdbcClient(context).sql("select what from kept").query(String.class).single())
				.isEqualTo("kept"));
	}

	@Test
	void goesOnWithTheServerOfAKilledProcess() throws IOException {
		EmbeddedPostgresServer.start(this.directory);
		Postmaster abandoned = postmaster();

		runner().run((context) -> {
			assertThat(context.getBean(JdbcConnectionDetails.class).getJdbcUrl()).isEqualTo(abandoned.jdbcUrl());
			assertThat(jdbcClient(context).sql("select 1").query(Integer.class).single()).isOne();
			assertThat(postmaster()).isEqualTo(abandoned);
		});

		assertThat(Postmaster.pidFile(dataDirectory())).doesNotExist();
	}

	@Test
	void recoversAServerThatWasKilled() {
		runner().run((context) -> {
			jdbcClient(context).sql("create table kept as select 'kept' as what").update();
			ProcessHandle.of(postmaster().pid()).ifPresent(ProcessHandle::destroyForcibly);
		});
		assertThat(Postmaster.pidFile(dataDirectory())).exists();

		runner()
			.run((context) -> assertThat(jdbcClient(context).sql("select what from kept").query(String.class).single())
				.isEqualTo("kept"));
	}

	@Test
	void isNotMisledByAPidFileWhoseProcessIsAnother() {
		runner().run((context) -> assertThat(context).hasNotFailed());

		runner().withInitializer((context) -> writePidFile(ProcessHandle.current().pid())).run((context) -> {
			assertThat(jdbcClient(context).sql("select 1").query(Integer.class).single()).isOne();
			assertThat(postmaster().pid()).isNotEqualTo(ProcessHandle.current().pid());
		});
	}

	@Test
	void leavesTheServerToOthersThatAreConnected() throws Exception {
		EmbeddedPostgresServer other = EmbeddedPostgresServer.start(this.directory);
		Postmaster server = postmaster();

		try (Connection connection = DriverManager.getConnection(server.jdbcUrl(), Postmaster.USER, null)) {
			runner().run(
					(context) -> assertThat(jdbcClient(context).sql("select 1").query(Integer.class).single()).isOne());

			assertThat(connection.isValid(1)).isTrue();
		}

		other.stop();
		assertThat(Postmaster.pidFile(dataDirectory())).doesNotExist();
	}

	@Test
	void backsOffWhenAUrlIsSet() {
		runner().withPropertyValues("spring.datasource.url=jdbc:postgresql://localhost:1/none").run((context) -> {
			assertThat(context).doesNotHaveBean(EmbeddedPostgresServer.class);
			assertThat(context.getBean(JdbcConnectionDetails.class).getJdbcUrl())
				.isEqualTo("jdbc:postgresql://localhost:1/none");
		});
		assertThat(dataDirectory()).doesNotExist();
	}

	@Test
	void backsOffWhenOthersKnowTheDatabase() {
		runner().withUserConfiguration(OtherConnectionDetails.class)
			.run((context) -> assertThat(context).doesNotHaveBean(EmbeddedPostgresServer.class)
				.hasSingleBean(JdbcConnectionDetails.class)
				.hasSingleBean(DataSource.class));
		assertThat(dataDirectory()).doesNotExist();
	}

	private ApplicationContextRunner runner() {
		return new ApplicationContextRunner()
			.withConfiguration(
					AutoConfigurations.of(EmbeddedPostgresAutoConfiguration.class, DataSourceAutoConfiguration.class,
							JdbcTemplateAutoConfiguration.class, JdbcClientAutoConfiguration.class))
			.withPropertyValues("shop.postgres.directory=" + this.directory);
	}

	private static JdbcClient jdbcClient(ApplicationContext context) {
		return context.getBean(JdbcClient.class);
	}

	private Path dataDirectory() {
		return this.directory.resolve("data");
	}

	private Postmaster postmaster() throws IOException {
		return Postmaster.read(dataDirectory()).orElseThrow();
	}

	private void writePidFile(long pid) {
		try {
			Files.writeString(Postmaster.pidFile(dataDirectory()), pid + "\n" + dataDirectory() + "\n0\n1\n");
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Configuration(proxyBeanMethods = false)
	static class OtherConnectionDetails {

		@Bean
		JdbcConnectionDetails otherConnectionDetails() {
			return new JdbcConnectionDetails() {

				@Override
				public String getUsername() {
					return "someone";
				}

				@Override
				public String getPassword() {
					return "secret";
				}

				@Override
				public String getJdbcUrl() {
					return "jdbc:postgresql://localhost:1/none";
				}

			};
		}

	}

}
