package com.example.signup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.sample.TestDatabaseConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.resttestclient.autoconfigure.AutoConfigureRestTestClient;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.web.servlet.client.RestTestClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Runs the application that docs/getting-started.md builds.
 */
@SpringBootTest(classes = SignupApplication.class, webEnvironment = WebEnvironment.RANDOM_PORT,
		properties = { "spring.config.location=classpath:getting-started/application.yml",
				"spring.sql.init.schema-locations=classpath:getting-started/schema.sql",
				"spring.flyway.enabled=false" })
@AutoConfigureRestTestClient
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class GettingStartedIntegrationTests {

	@Autowired
	private RestTestClient application;

	@Autowired
	private JdbcClient jdbcClient;

	@Test
	void sendsAWelcomeAfterTheCommit() {
		UUID execution = this.application.post()
			.uri("/signups?email=ada@example.com")
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody(UUID.class)
			.returnResult()
			.getResponseBody();

		await().atMost(Duration.ofSeconds(20))
			.untilAsserted(
					() -> assertThat(rows("select id, state, result ->> 'to' as sent_to from conductor.executions"))
						.contains(Map.of("id", String.valueOf(execution), "state", "completed", "sent_to",
								"ada@example.com")));
	}

	@Test
	void sendsNoneAfterARollback() {
		this.application.post().uri("/signups?email=nobody").exchange().expectStatus().isBadRequest();

		assertThat(rows("select id from users where email = 'nobody'")).isEmpty();
		assertThat(rows("""
				select e.id from conductor.executions e
				where not exists (select from users u where u.id = (e.payload ->> 'userId')::bigint)
				""")).isEmpty();
	}

	@ParameterizedTest
	@ValueSource(
			strings = { "java/com/example/signup/SignupApplication.java", "java/com/example/signup/WelcomeMail.java",
					"java/com/example/signup/SignupService.java", "java/com/example/signup/SignupController.java",
					"resources/getting-started/schema.sql", "resources/getting-started/application.yml" })
	void isWhatTheDocumentationShows(String file) throws IOException {
		String documentation = Files.readString(Path.of("../docs/getting-started.md"));

		assertThat(documentation).contains(Files.readString(Path.of("src/test", file)));
	}

	private List<Map<String, String>> rows(String sql) {
		return this.jdbcClient.sql(sql).query((row, rowNumber) -> {
			Map<String, String> columns = new HashMap<>();
			for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
				columns.put(row.getMetaData().getColumnLabel(i), String.valueOf(row.getString(i)));
			}
			return columns;
		}).list();
	}

}
