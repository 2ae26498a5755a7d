package io.pgconductor.autoconfigure.health;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.Conductor;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo;
import io.pgconductor.OrchestratorInfo.State;
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

		Health health = health(new OrchestratorInfo(NODE, State.RUNNING, true, heartbeat, null, Map.of()));

		assertThat(health.getStatus()).isEqualTo(Status.UP);
		assertThat(health.getDetails()).containsEntry("node", NODE)
			.containsEntry("state", State.RUNNING)
			.containsEntry("installed", true)
			.containsEntry("lastHeartbeat", heartbeat)
			.doesNotContainKeys("lastError", "brokenSchedules");
	}

	@Test
	void isDownWithAStaleHeartbeat() {
		Health health = health(
				new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now().minusSeconds(31), null, Map.of()));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails().get("lastError")).asString().contains("no heartbeat");
	}

	@Test
	void isDownWithoutHeartbeatOrSchema() {
		assertThat(health(new OrchestratorInfo(NODE, State.RUNNING, true, null, null, Map.of())).getStatus())
			.isEqualTo(Status.DOWN);
		assertThat(health(new OrchestratorInfo(NODE, State.RUNNING, false, Instant.now(), null, Map.of())).getStatus())
			.isEqualTo(Status.DOWN);
	}

	@Test
	void isDownWithAnError() {
		Health health = health(
				new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now(), "connection refused", Map.of()));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails()).containsEntry("lastError", "connection refused");
	}

	@Test
	void isDownWhileItWaitsForTheDatabase() {
		Health health = health(new OrchestratorInfo(null, State.STARTING, false, null, "connection refused", Map.of()));

		assertThat(health.getStatus()).isEqualTo(Status.DOWN);
		assertThat(health.getDetails()).containsEntry("lastError", "connection refused").doesNotContainKey("node");
	}

	@ParameterizedTest
	@EnumSource(value = State.class, names = { "NEW", "STOPPING", "STOPPED" })
	void isOutOfServiceWhileItDoesNotRun(State state) {
		assertThat(health(new OrchestratorInfo(NODE, state, true, Instant.now(), null, Map.of())).getStatus())
			.isEqualTo(Status.OUT_OF_SERVICE);
	}

	@Test
	void showsSchedulesThatCannotBeFiredAndIsUp() {
		Map<String, String> broken = Map.of("report/evening", "it has 3 fields");

		Health health = health(new OrchestratorInfo(NODE, State.RUNNING, true, Instant.now(), null, broken));

		assertThat(health.getStatus()).isEqualTo(Status.UP);
		assertThat(health.getDetails()).containsEntry("brokenSchedules", broken);
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

	private static Health health(OrchestratorInfo info) {
		Orchestrator orchestrator = mock(Orchestrator.class);
		given(orchestrator.info()).willReturn(info);
		Health health = new ConductorHealthIndicator(orchestrator, Duration.ofSeconds(30)).health();
		assertThat(health).isNotNull();
		return health;
	}

}
