package io.pgconductor.worker;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What is sent to the database at once.
 */
class OutcomeFlusherIntegrationTests {

	@Test
	void sendsNotTooManyChildrenInOneStatement() {
		try (TestConductor test = new TestConductor(OutcomeFlusherIntegrationTests.class);
				HikariDataSource pool = test.pool("flusher", 1)) {
			RecordingDataSource dataSource = new RecordingDataSource(pool);
			JdbcClient jdbc = JdbcClient.create(dataSource);
			OutcomeRecorder recorder = new OutcomeRecorder(new ExecutionOutcomes(jdbc, new SchemaName(test.schema())),
					jdbc, new TransactionTemplate(new DataSourceTransactionManager(dataSource)), true);
			List<Recording> recorded = new ArrayList<>();
			OutcomeFlusher flusher = new OutcomeFlusher("flusher", recorder, (recording, cause) -> {
				throw new AssertionError(cause);
			}, recorded::addAll, (woken) -> {
			}, Duration.ZERO);
			IntStream.range(0, 3).forEach((i) -> flusher.add(invoking(50_000)));

			flusher.start();
			flusher.stop();
			flusher.awaitEnd(System.nanoTime() + Duration.ofSeconds(60).toNanos());

			assertThat(recorded).hasSize(3);
			assertThat(dataSource.executed("insert into " + test.schema() + ".child_wait")).hasSize(2);
		}
	}

	private static Recording invoking(int children) {
		OffsetDateTime now = OffsetDateTime.now();
		ClaimedExecution parent = new ClaimedExecution(UUID.randomUUID(), new UUID(0, 0), 1, "parent", "default", 1, 3,
				0, now, now, null, null, false, false, null, null, false, false, null, null);
		List<Outcome.NewChild> members = IntStream.range(0, children)
			.mapToObj((part) -> new Outcome.NewChild(UUID.randomUUID(), part, null))
			.toList();
		return new Recording(parent,
				new Outcome.Invoking("children", false, UUID.randomUUID(), "child", members, null, 1000));
	}

}
