package io.pgconductor.worker;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.pgconductor.ExecutionState;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link MicrometerConductorMetrics}.
 */
class MicrometerConductorMetricsTests {

	private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

	private final MicrometerConductorMetrics metrics = new MicrometerConductorMetrics(this.registry);

	@Test
	void timesAttemptsByTaskQueueAndOutcome() {
		this.metrics.attemptEnded("send-email", "mail", "completed", Duration.ofMillis(5), Duration.ofMillis(20));
		this.metrics.attemptEnded("send-email", "mail", "completed", Duration.ofMillis(5), Duration.ofMillis(40));
		this.metrics.attemptEnded("send-email", "mail", "failed", Duration.ofMillis(5), Duration.ofMillis(1));

		Timer completed = this.registry.get("conductor.execution")
			.tags("task", "send-email", "queue", "mail", "outcome", "completed")
			.timer();
		assertThat(completed.count()).isEqualTo(2);
		assertThat(completed.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(60);
		assertThat(this.registry.get("conductor.execution").tag("outcome", "failed").timer().count()).isOne();
		Timer wait = this.registry.get("conductor.execution.wait").tags("task", "send-email", "queue", "mail").timer();
		assertThat(wait.count()).isEqualTo(3);
		assertThat(wait.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(15);
	}

	@Test
	void summarisesClaimsAndFlushes() {
		this.metrics.claimed("mail", 500);
		this.metrics.claimed("mail", 1);
		this.metrics.flushed("mail", 7);

		assertThat(this.registry.get("conductor.claim.size").tag("queue", "mail").summary().max()).isEqualTo(500);
		assertThat(this.registry.get("conductor.claim.size").tag("queue", "mail").summary().count()).isEqualTo(2);
		assertThat(this.registry.get("conductor.flush.size").tag("queue", "mail").summary().totalAmount()).isEqualTo(7);
	}

	@Test
	void watchesHandlersAndQueues() {
		AtomicInteger running = new AtomicInteger(3);
		this.metrics.watchRunning("mail", running::get);
		this.metrics.watchDepth("mail", ExecutionState.READY, () -> 42);
		this.metrics.watchDepth("mail", ExecutionState.SCHEDULED, () -> 43);

		assertThat(this.registry.get("conductor.running").tag("queue", "mail").gauge().value()).isEqualTo(3);
		running.set(4);
		assertThat(this.registry.get("conductor.running").tag("queue", "mail").gauge().value()).isEqualTo(4);
		assertThat(this.registry.get("conductor.queue.depth").tags("queue", "mail", "state", "ready").gauge().value())
			.isEqualTo(42);
		assertThat(this.registry.get("conductor.queue.depth").tag("state", "scheduled").gauge().value()).isEqualTo(43);
	}

	@Test
	void watchesTheWorkerThatWasStartedLast() {
		this.metrics.watchRunning("mail", () -> 1);
		this.metrics.watchRunning("mail", () -> 2);

		assertThat(this.registry.get("conductor.running").gauges()).hasSize(1);
		assertThat(this.registry.get("conductor.running").gauge().value()).isEqualTo(2);
	}

	@Test
	void countsUnregisteredTasksWithoutGrowingForEver() {
		for (int i = 0; i < 1000; i++) {
			this.metrics.unregisteredTaskInvoked("task-" + i);
		}
		this.metrics.unregisteredTaskInvoked("task-0");

		assertThat(this.registry.get("conductor.invocation.unregistered").tag("task", "task-0").counter().count())
			.isEqualTo(2);
		assertThat(this.registry.get("conductor.invocation.unregistered").counters()).hasSize(101);
		assertThat(this.registry.get("conductor.invocation.unregistered").tag("task", "other").counter().count())
			.isEqualTo(900);
	}

}
