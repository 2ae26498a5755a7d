package io.pgconductor.jdbc;

import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TimeOrderedIdsTests {

	private final TimeOrderedIds ids = new TimeOrderedIds();

	@Test
	void areUuidsOfVersionSeven() {
		long before = System.currentTimeMillis();

		UUID id = this.ids.next();

		assertThat(id.version()).isEqualTo(7);
		assertThat(id.variant()).isEqualTo(2);
		assertThat(id.getMostSignificantBits() >>> 16).isBetween(before, System.currentTimeMillis() + 1);
	}

	@Test
	void growAsTextAsTheyDoInTheDatabase() {
		List<String> created = Stream.generate(this.ids::next).limit(20_000).map(UUID::toString).toList();

		assertThat(created).isSorted().doesNotHaveDuplicates();
	}

	@Test
	void growInEachThreadAndMeetInNone() {
		Set<UUID> all = ConcurrentHashMap.newKeySet();

		CompletableFuture.allOf(IntStream.range(0, 4).mapToObj((thread) -> CompletableFuture.runAsync(() -> {
			List<UUID> own = Stream.generate(this.ids::next).limit(20_000).toList();
			assertThat(own.stream().map(UUID::toString)).isSorted();
			all.addAll(own);
		})).toArray(CompletableFuture[]::new)).join();

		assertThat(all).hasSize(80_000);
	}

}
