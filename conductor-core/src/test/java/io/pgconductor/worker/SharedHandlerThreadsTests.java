package io.pgconductor.worker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.pgconductor.execution.Attempt;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

class SharedHandlerThreadsTests {

	private final Queue<Runnable> threads = new ArrayDeque<>();

	private final List<String> handled = new ArrayList<>();

	private long nanos;

	private boolean exhausted;

	private SharedHandlerThreads shared(int concurrency) {
		return new SharedHandlerThreads(concurrency, (task) -> {
			if (this.exhausted) {
				throw new RejectedExecutionException("no thread can be had");
			}
			this.threads.add(task);
		}, () -> this.nanos);
	}

	private HandlerThreads member(SharedHandlerThreads shared, int weight, String name, long duration) {
		return shared.member(weight).create((work) -> {
			this.handled.add(name);
			this.nanos += duration;
		}, () -> {
		});
	}

	@Test
	void sharesTimeByWeights() {
		SharedHandlerThreads shared = shared(1);
		HandlerThreads heavy = member(shared, 3, "heavy", 1000);
		HandlerThreads light = member(shared, 1, "light", 1000);
		light.submit(works(400), 1);
		heavy.submit(works(300), 1);

		runThreads();

		assertThat(this.handled).hasSize(700);
		assertThat(this.handled.subList(0, 100)).filteredOn("light"::equals).hasSizeBetween(23, 27);
		assertThat(this.handled.subList(300, 400)).filteredOn("light"::equals).hasSizeBetween(23, 27);
	}

	@Test
	void sharesTimeRatherThanExecutions() {
		SharedHandlerThreads shared = shared(1);
		HandlerThreads slow = member(shared, 1, "slow", 10_000);
		HandlerThreads quick = member(shared, 1, "quick", 1000);
		slow.submit(works(100), 1);
		quick.submit(works(1000), 1);

		runThreads();

		assertThat(this.handled.subList(0, 550)).filteredOn("slow"::equals).hasSizeBetween(48, 52);
	}

	@Test
	void reckonsWithTheNeighboursDurationsUntilOneIsKnown() {
		SharedHandlerThreads shared = shared(2);
		HandlerThreads known = member(shared, 1, "known", 1000);
		known.submit(works(10), 1);
		runThreads();
		HandlerThreads unknown = shared.member(1).create((work) -> {
			this.handled.add("unknown");
			runThreads();
		}, () -> {
		});
		known.submit(works(2), 2);
		unknown.submit(works(2), 2);

		runThreads();

		assertThat(this.handled.subList(10, 12)).as("begun at the same time").containsExactly("unknown", "known");
	}

	@Test
	void usesWhatOthersLeave() {
		SharedHandlerThreads shared = shared(4);
		HandlerThreads light = member(shared, 1, "light", 1000);
		member(shared, 100, "heavy", 1000);

		light.submit(works(9), 9);

		assertThat(this.threads).hasSize(4);
		assertThat(light.expected()).isEqualTo(4);
		runThreads();
		assertThat(this.handled).hasSize(9);
	}

	@Test
	void expectsItsShareWhileOthersHaveWork() {
		SharedHandlerThreads shared = shared(10);
		HandlerThreads heavy = member(shared, 4, "heavy", 1000);
		HandlerThreads light = member(shared, 1, "light", 1000);
		heavy.submit(works(20), 20);
		light.submit(works(20), 20);

		assertThat(heavy.expected()).isEqualTo(8);
		assertThat(light.expected()).isEqualTo(2);
	}

	@Test
	void savesNothingUpWhileIdle() {
		SharedHandlerThreads shared = shared(1);
		HandlerThreads busy = member(shared, 1, "busy", 1000);
		HandlerThreads idle = member(shared, 1, "idle", 1000);
		busy.submit(works(1000), 1);
		runThreads();

		busy.submit(works(100), 1);
		idle.submit(works(100), 1);
		runThreads();

		assertThat(this.handled.subList(1000, 1100)).filteredOn("idle"::equals).hasSizeBetween(48, 52);
	}

	@Test
	void keepsAThreadForTheClaimOfAQueueThatIsDue() {
		SharedHandlerThreads shared = shared(1);
		HandlerThreads[] hungry = new HandlerThreads[1];
		AtomicInteger signals = new AtomicInteger();
		HandlerThreads busy = shared.member(1).create((work) -> {
			this.handled.add("busy");
			this.nanos += 1000;
			if (this.handled.size() == 1) {
				assertThat(hungry[0].reserve()).isZero();
			}
		}, () -> {
		});
		hungry[0] = shared.member(1).create((work) -> this.handled.add("hungry"), signals::incrementAndGet);
		busy.submit(works(5), 1);

		runThreads();

		assertThat(this.handled).containsExactly("busy");
		assertThat(signals).hasValue(1);
		assertThat(hungry[0].reserve()).isOne();
		hungry[0].submit(works(1), 1);
		runThreads();
		assertThat(this.handled).containsExactly("busy", "hungry", "busy", "busy", "busy", "busy");
	}

	@Test
	void passesAKeptThreadOnWhenTheClaimFindsNothing() {
		SharedHandlerThreads shared = shared(1);
		HandlerThreads busy = member(shared, 1, "busy", 1000);
		HandlerThreads hungry = member(shared, 1, "hungry", 1000);
		busy.submit(works(5), 1);
		assertThat(hungry.reserve()).isZero();
		runThreads();
		assertThat(this.handled).as("before the thread is kept for the other").hasSize(1);
		assertThat(busy.buffered()).isEqualTo(4);

		hungry.giveBack();
		runThreads();

		assertThat(this.handled).hasSize(5);
		assertThat(hungry.reserve()).isOne();
	}

	@Test
	void startsWhatCameWhileAllThreadsWereReserved() {
		SharedHandlerThreads shared = shared(4);
		HandlerThreads claiming = member(shared, 1, "claiming", 1000);
		HandlerThreads other = member(shared, 1, "other", 1000);
		assertThat(claiming.reserve()).isEqualTo(4);
		other.submit(works(2), 2);
		assertThat(this.threads).isEmpty();

		claiming.submit(works(1), 1);
		claiming.giveBack();

		assertThat(this.threads).hasSize(3);
		runThreads();
		assertThat(this.handled).containsExactlyInAnyOrder("claiming", "other", "other");
	}

	@Test
	void startsNoMoreThreadsThanAreWorthwhile() {
		HandlerThreads member = member(shared(4), 1, "member", 1000);

		member.submit(works(100), 1);

		assertThat(this.threads).hasSize(1);
	}

	@Test
	void runsLaterWhatCouldNotBeStarted() {
		SharedHandlerThreads shared = shared(2);
		HandlerThreads member = member(shared, 1, "member", 1000);
		this.exhausted = true;
		assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> member.submit(works(3), 3));
		this.exhausted = false;

		member.startThreads();

		assertThat(this.threads).hasSize(2);
		runThreads();
		assertThat(this.handled).hasSize(3);
		assertThat(member.reserve()).isEqualTo(2);
	}

	@Test
	void takesAwayWhatHasNotStarted() {
		HandlerThreads member = member(shared(1), 1, "member", 1000);
		List<Work> works = works(3);
		member.submit(works, 3);

		List<Work> drained = new ArrayList<>();
		member.drainBuffer(drained::add);

		assertThat(drained).isEqualTo(works);
		assertThat(member.buffered()).isZero();
		assertThatNoException().isThrownBy(this::runThreads);
		assertThat(this.handled).isEmpty();
	}

	@Test
	void cancelsOneOfThoseThatWait() {
		HandlerThreads member = member(shared(1), 1, "member", 1000);
		Attempt cancelled = Attempts.of("task");
		Work work = Work.of(cancelled);
		member.submit(List.of(work), 1);
		member.submit(works(2), 2);

		assertThat(member.remove(cancelled)).isSameAs(work);

		assertThat(member.buffered()).isEqualTo(2);
		runThreads();
		assertThat(this.handled).hasSize(2);
	}

	@Test
	void losesNothingAndRunsNoMoreAtOnceThanItMay() throws InterruptedException {
		ExecutorService executor = Executors.newCachedThreadPool();
		try {
			for (int round = 0; round < 300; round++) {
				race(executor);
			}
		}
		finally {
			executor.shutdown();
		}
	}

	private static void race(ExecutorService executor) throws InterruptedException {
		int concurrency = 3;
		int count = 40;
		SharedHandlerThreads shared = new SharedHandlerThreads(concurrency, executor, System::nanoTime);
		AtomicInteger running = new AtomicInteger();
		AtomicInteger most = new AtomicInteger();
		CountDownLatch done = new CountDownLatch(3 * count);
		Set<Work> handled = Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
		Supplier<HandlerThreads> member = () -> shared.member(1 + ThreadLocalRandom.current().nextInt(3))
			.create((work) -> {
				most.accumulateAndGet(running.incrementAndGet(), Math::max);
				Thread.yield();
				running.decrementAndGet();
				handled.add(work);
				done.countDown();
			}, () -> {
			});
		List<HandlerThreads> members = Stream.generate(member).limit(3).toList();
		members.forEach((threads) -> executor.execute(() -> claim(threads, count)));

		assertThat(done.await(20, TimeUnit.SECONDS)).as("all has run").isTrue();

		assertThat(handled).hasSize(3 * count);
		assertThat(most.get()).isLessThanOrEqualTo(concurrency);
	}

	private static void claim(HandlerThreads threads, int count) {
		int left = count;
		while (left > 0) {
			int claimed = Math.min(left, threads.reserve());
			if (claimed > 0 && ThreadLocalRandom.current().nextInt(3) > 0) {
				threads.submit(works(claimed), 1 + ThreadLocalRandom.current().nextInt(claimed));
				left -= claimed;
			}
			if (claimed > 0) {
				threads.giveBack();
			}
			Thread.yield();
		}
	}

	private void runThreads() {
		for (Runnable thread = this.threads.poll(); thread != null; thread = this.threads.poll()) {
			thread.run();
		}
	}

	private static List<Work> works(int count) {
		return IntStream.range(0, count).mapToObj((i) -> Work.of(Attempts.of("task"))).toList();
	}

}
