package com.example.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.YearMonth;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.sample.TestDatabaseConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.resttestclient.autoconfigure.AutoConfigureRestTestClient;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.web.servlet.client.RestTestClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Runs the code of docs/await.md.
 */
@SpringBootTest(classes = ReportApplication.class, webEnvironment = WebEnvironment.RANDOM_PORT,
		properties = { "spring.config.location=classpath:getting-started/application.yml", "spring.sql.init.mode=never",
				"spring.flyway.enabled=false" })
@AutoConfigureRestTestClient
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class AwaitDocumentationIntegrationTests {

	@Autowired
	private RestTestClient application;

	@Autowired
	private ConductorClient conductor;

	@Autowired
	private YearlyReports yearlyReports;

	@Test
	void answersWithTheReport() {
		this.application.post()
			.uri("/reports?month=2026-01")
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody(Reports.Report.class)
			.isEqualTo(new Reports.Report("Sales in 2026-01"));
	}

	@Test
	void answersLaterIfItTakesLong() {
		UUID execution = this.conductor.invoke("make-report", new Reports.ReportRequest(YearMonth.of(2026, 1)),
				InvokeOptions.defaults().delay(Duration.ofHours(1)));

		this.application.get()
			.uri("/reports/{execution}", execution)
			.exchange()
			.expectStatus()
			.isAccepted()
			.expectHeader()
			.location("/reports/" + execution);
	}

	@Test
	void saysWhyThereIsNoReport() {
		this.application.post()
			.uri("/reports?month=2999-01")
			.exchange()
			.expectStatus()
			.isEqualTo(HttpStatus.UNPROCESSABLE_CONTENT)
			.expectBody(String.class)
			.value((body) -> assertThat(body)
				.endsWith("of task 'make-report' failed: There are no sales in 2999-01 yet"));
	}

	@Test
	void waitsAfterTheTransaction() {
		assertThat(this.yearlyReports.make(2025)).hasSize(12)
			.startsWith(new Reports.Report("Sales in 2025-01"), new Reports.Report("Sales in 2025-02"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "Reports.java", "ReportController.java", "YearlyReports.java" })
	void isWhatTheDocumentationShows(String file) throws IOException {
		String documentation = Files.readString(Path.of("../docs/await.md"));

		assertThat(documentation).contains(Files.readString(Path.of("src/test/java/com/example/report", file)));
	}

}
