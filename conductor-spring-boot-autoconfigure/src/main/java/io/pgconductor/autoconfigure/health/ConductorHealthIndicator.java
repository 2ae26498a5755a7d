package io.pgconductor.autoconfigure.health;

import java.time.Duration;
import java.time.Instant;

import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo;
import io.pgconductor.OrchestratorInfo.State;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;

/**
 * {@link HealthIndicator} for a node that runs tasks: it is up if its schema is there,
 * its workers run and the database has accepted its heartbeat within the node time-out.
 * One that was stopped is out of service. Schedules that cannot be fired are shown, and
 * don't change the status: the others go on.
 *
 * @since 0.1.0
 */
public class ConductorHealthIndicator extends AbstractHealthIndicator {

	private final Orchestrator orchestrator;

	private final Duration nodeTimeout;

	/**
	 * Create the indicator.
	 * @param orchestrator runs the workers
	 * @param nodeTimeout the age at which a heartbeat is stale
	 */
	public ConductorHealthIndicator(Orchestrator orchestrator, Duration nodeTimeout) {
		super("Conductor health check failed");
		this.orchestrator = orchestrator;
		this.nodeTimeout = nodeTimeout;
	}

	@Override
	protected void doHealthCheck(Health.Builder builder) {
		OrchestratorInfo info = this.orchestrator.info();
		detail(builder, "node", info.id());
		builder.withDetail("state", info.state());
		builder.withDetail("installed", info.installed());
		detail(builder, "lastHeartbeat", info.lastHeartbeat());
		String problem = problem(info);
		detail(builder, "lastError", problem);
		if (!info.brokenSchedules().isEmpty()) {
			builder.withDetail("brokenSchedules", info.brokenSchedules());
		}
		builder.status(status(info.state(), problem));
	}

	private static Status status(State state, @Nullable String problem) {
		return switch (state) {
			case NEW, STOPPING, STOPPED -> Status.OUT_OF_SERVICE;
			case STARTING -> Status.DOWN;
			case RUNNING -> (problem == null) ? Status.UP : Status.DOWN;
		};
	}

	private @Nullable String problem(OrchestratorInfo info) {
		if (info.lastError() != null || info.state() != State.RUNNING) {
			return info.lastError();
		}
		if (!info.installed()) {
			return "The schema is not installed";
		}
		Instant heartbeat = info.lastHeartbeat();
		if (heartbeat == null || heartbeat.isBefore(Instant.now().minus(this.nodeTimeout))) {
			return "The database has accepted no heartbeat for " + this.nodeTimeout;
		}
		return null;
	}

	private static void detail(Health.Builder builder, String name, @Nullable Object value) {
		if (value != null) {
			builder.withDetail(name, value);
		}
	}

}
