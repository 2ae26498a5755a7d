package io.pgconductor.worker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class OwnHandlerThreadsTests {

	private final Queue<Runnable> threads = new ArrayDeque<>();

	private final List<Work> handled = new ArrayList<>();

	private boolean exhausted;

	private Runnable onHandled = () -> {
	};

	private final HandlerThreads handlers = new OwnHandlerThreads(2, (task) -> {
		if (this.exhausted) {
			throw new RejectedExecutionException("no thread can be had");
		}
		this.threads.add(task);
	}, (work) -> {
		this.handled.add(work);
		Runnable first = this.onHandled;
		this.onHandled = () -> {
		};
		first.run();
	}, () -> {
	});

	@Test
	void startsNoMoreThreadsThanItMay() {
		this.handlers.submit(works(5), 5);

		assertThat(this.threads).hasSize(2);
		assertThat(this.handlers.running()).isEqualTo(2);
		assertThat(this.handlers.buffered()).isEqualTo(5);
	}

	@Test
	void runsAllInOrderOnOneThread() {
		List<Work> works = works(5);
		this.handlers.submit(works, works.size());

		this.threads.remove().run();

		assertThat(this.handled).isEqualTo(works);
		assertThat(this.handlers.buffered()).isZero();
	}

	@Test
	void runsLaterWhatCouldNotBeStarted() {
		List<Work> works = works(3);
		this.exhausted = true;
		assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> this.handlers.submit(works, 3));
		assertThat(this.handlers.running()).isZero();
		this.exhausted = false;

		this.handlers.startThreads();

		assertThat(this.handlers.running()).isEqualTo(2);
		this.threads.forEach(Runnable::run);
		assertThat(this.handled).isEqualTo(works);
		assertThat(this.handlers.running()).isZero();
	}

	@Test
	void startsAThreadBesideOneThatTakesLong() {
		this.onHandled = () -> this.handlers.submit(works(3), 1);
		this.handlers.submit(works(1), 1);

		this.threads.remove().run();

		assertThat(this.threads).as("started while the first attempt ran").hasSize(1);
	}

	@Test
	void startsNothingForNothing() {
		this.handlers.startThreads();

		assertThat(this.threads).isEmpty();
	}

	private static List<Work> works(int count) {
		return IntStream.range(0, count).mapToObj((i) -> Work.of(Attempts.of("task"))).toList();
	}

}
