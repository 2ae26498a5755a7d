package io.pgconductor.autoconfigure.health;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.ConductorClient;
import io.pgconductor.ConductorException;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleInfo;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.dao.DataAccessResourceFailureException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.BDDMockito.given;
import static org.mockito.BDDMockito.willThrow;
import static org.mockito.Mockito.mock;

/**
 * Tests for {@link ConductorHealthIndicator} and {@link ConductorClientHealthIndicator}.
 */
class ConductorHealthIndicatorTests {

	private static final UUID NODE = UUID.randomUUID();

	@Test
	void isUpWithAFreshHeartbeat() {
		Instant heartbeat = Instant.now().minusSeconds(20);

		Health health = health(new OrchestratorInfo(NODE, State.RUNNING, true, heartbeat, null));

		assertThat(health.getStatus()).isEqualTo(Status.UP);
		assertThat(health.getDetails()).containsEntry("node", NODE)
			.containsEntry("state", State.RUNNING)
			.containsEntry("installed", true)
			.containsEntry("lastHeartbeat", heartbeat)
			.doesNotContainKey("lastError");
	}

	@Test
	void isDownWithAStaleHeartbeat() {
		Health health = health(new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now().minusSeconds(31), null));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails().get("lastError")).asString().contains("no heartbeat");
	}

	@Test
	void isDownWithoutHeartbeatOrSchema() {
		assertThat(health(new OrchestratorInfo(NODE, State.RUNNING, true, null, null)).getStatus())
			.isEqualTo(Status.DOWN);
		assertThat(health(new OrchestratorInfo(NODE, State.RUNNING, false, Instant.now(), null)).getStatus())
			.isEqualTo(Status.DOWN);
	}

	@Test
	void isDownWithAnError() {
		Health health = health(new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now(), "connection refused"));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails()).containsEntry("lastError", "connection refused");
	}

	@Test
	void isDownWhileItWaitsForTheDatabase() {
		Health health = health(new OrchestratorInfo(null, State.STARTING, false, null, "connection refused"));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails()).containsEntry("lastError", "connection refused").doesNotContainKey("node");
	}

	@ParameterizedTest
	@EnumSource(value = State.class, names = { "NEW", "STOPPING", "STOPPED" })
	void isOutOfServiceWhileItDoesNotRun(State state) {
		assertThat(health(new OrchestratorInfo(NODE, state, true, Instant.now(), null)).getStatus())
			.isEqualTo(Status.OUT_OF_SERVICE);
	}

	@Test
	void showsSchedulesThatCannotBeFiredAndIsUp() {
		ConductorClient client = mock(ConductorClient.class);
		given(client.schedules())
			.willReturn(List.of(schedule("report", "morning", null), schedule("report", "evening", "it has 3 fields")));

		Health health = health(client);

		assertThat(health.getStatus()).isEqualTo(Status.UP);
		assertThat(health.getDetails()).containsEntry("brokenSchedules", Map.of("report/evening", "it has 3 fields"));
	}

	@Test
	void doesNotShowMoreBrokenSchedulesThanAnyoneReads() {
		ConductorClient client = mock(ConductorClient.class);
		given(client.schedules())
			.willReturn(IntStream.range(0, 100).mapToObj((i) -> schedule("report", "" + i, "broken")).toList());

		assertThat(health(client).getDetails().get("brokenSchedules")).asInstanceOf(InstanceOfAssertFactories.MAP)
			.hasSize(10);
	}

	@Test
	void isUpIfSchedulesAreInOrderOrCannotBeListed() {
		ConductorClient client = mock(ConductorClient.class);
		given(client.schedules()).willReturn(List.of(schedule("report", "morning", null)))
			.willThrow(new ConductorException("read-only", null));

		assertThat(health(client).getDetails()).doesNotContainKey("brokenSchedules");
		Health unknown = health(client);

		assertThat(unknown.getStatus()).isEqualTo(Status.UP);
		assertThat(unknown.getDetails()).containsEntry("brokenSchedules", Map.of("unknown", "read-only"));
	}

	@Test
	void isUpAsAClientOfAnInstalledSchema() {
		Health health = new ConductorClientHealthIndicator(mock(Conductor.class)).health();

		assertThat(health.getStatus()).isEqualTo(Status.UP);
		assertThat(health.getDetails()).containsEntry("state", "CLIENT").containsEntry("installed", true);
	}

	@Test
	void isDownAsAClientWithoutDatabase() {
		Conductor conductor = mock(Conductor.class);
		willThrow(new DataAccessResourceFailureException("connection refused")).given(conductor).ensureInstalled();

		Health health = new ConductorClientHealthIndicator(conductor).health();

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails()).containsEntry("lastError", "connection refused");
	}

	private static ScheduleInfo schedule(String task, String name, @Nullable String error) {
		return new ScheduleInfo(task, name, "@daily", "UTC", null, MisfirePolicy.RUN_ONCE, OverlapPolicy.ALLOW, false,
				null, false, null, null, null, error);
	}

	private static Health health(OrchestratorInfo info) {
		return health(info, mock(ConductorClient.class));
	}

	private static Health health(ConductorClient client) {
		return health(new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now(), null), client);
	}

	private static Health health(OrchestratorInfo info, ConductorClient client) {
		Orchestrator orchestrator = mock(Orchestrator.class);
		given(orchestrator.info()).willReturn(info);
		Health health = new ConductorHealthIndicator(orchestrator, client, Duration.ofSeconds(30)).health();
		assertThat(health).isNotNull();
		return health;
	}

}
