package io.pgconductor.autoconfigure;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.pgconductor.ConductorException;
import io.pgconductor.Orchestrator;
import org.junit.jupiter.api.Test;
import org.mockito.InOrder;
import org.springframework.context.SmartLifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.mockito.BDDMockito.willAnswer;
import static org.mockito.BDDMockito.willThrow;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;

/**
 * Tests for {@link ConductorLifecycle}.
 */
class ConductorLifecycleTests {

	private final Orchestrator orchestrator = mock(Orchestrator.class);

	private final Runnable afterStop = mock(Runnable.class);

	private final ConductorLifecycle lifecycle = new ConductorLifecycle(this.orchestrator, this.afterStop);

	@Test
	void startsLastAndStopsFirst() {
		assertThat(this.lifecycle.getPhase()).isEqualTo(SmartLifecycle.DEFAULT_PHASE);
		assertThat(this.lifecycle.isAutoStartup()).isTrue();
	}

	@Test
	void canBeStartedAgain() {
		this.lifecycle.start();
		this.lifecycle.stop();
		assertThat(this.lifecycle.isRunning()).isFalse();
		this.lifecycle.start();

		assertThat(this.lifecycle.isRunning()).isTrue();
		InOrder order = inOrder(this.orchestrator, this.afterStop);
		order.verify(this.orchestrator).start();
		order.verify(this.orchestrator).stop();
		order.verify(this.afterStop).run();
		order.verify(this.orchestrator).start();
	}

	@Test
	void isNotRunningWhenTheStartFailed() {
		willThrow(new ConductorException("no")).given(this.orchestrator).start();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(this.lifecycle::start);
		assertThat(this.lifecycle.isRunning()).isFalse();
	}

	@Test
	void stopsWithoutHoldingUpOthersOfItsPhase() throws InterruptedException {
		CountDownLatch handlerReturns = new CountDownLatch(1);
		CountDownLatch stopped = new CountDownLatch(1);
		willAnswer((invocation) -> handlerReturns.await(10, TimeUnit.SECONDS)).given(this.orchestrator).stop();
		this.lifecycle.start();

		this.lifecycle.stop(stopped::countDown);

		assertThat(stopped.getCount()).isOne();
		handlerReturns.countDown();
		assertThat(stopped.await(10, TimeUnit.SECONDS)).isTrue();
		assertThat(this.lifecycle.isRunning()).isFalse();
	}

}
