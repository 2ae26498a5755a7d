package io.pgconductor.jdbc;

import java.security.SecureRandom;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes UUIDs of version 7 (RFC 9562) that grow: each is greater than those made before
 * it in this process. The 12 bits after the time count within a millisecond; when they
 * are used up, the time runs ahead of the clock.
 */
public final class TimeOrderedIds {

	private static final SecureRandom SEED = new SecureRandom();

	private static final ThreadLocal<SplittableRandom> RANDOM = ThreadLocal
		.withInitial(() -> new SplittableRandom(SEED.nextLong()));

	private final AtomicLong last = new AtomicLong();

	public UUID next() {
		long earliest = System.currentTimeMillis() << 12;
		long tick = this.last.updateAndGet((previous) -> Math.max(previous + 1, earliest));
		long high = (tick >>> 12) << 16 | 0x7000 | (tick & 0xfff);
		long low = RANDOM.get().nextLong() >>> 2 | 0x8000_0000_0000_0000L;
		return new UUID(high, low);
	}

}
