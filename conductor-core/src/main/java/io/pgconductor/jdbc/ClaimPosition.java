package io.pgconductor.jdbc;

import java.time.OffsetDateTime;
import java.util.UUID;

/**
 * A place in the ready index, within one queue.
 *
 * @param priority the priority
 * @param runAt the due time
 * @param id the execution's id
 */
public record ClaimPosition(int priority, OffsetDateTime runAt, UUID id) {

	/**
	 * Return whether this place comes after another one of the same priority.
	 * @param other the other place
	 * @return whether it comes later
	 */
	public boolean isAfter(ClaimPosition other) {
		int byTime = this.runAt.compareTo(other.runAt);
		if (byTime != 0) {
			return byTime > 0;
		}
		// As PostgreSQL compares them: unsigned, unlike UUID.compareTo
		int byHigh = Long.compareUnsigned(this.id.getMostSignificantBits(), other.id.getMostSignificantBits());
		return ((byHigh != 0) ? byHigh
				: Long.compareUnsigned(this.id.getLeastSignificantBits(), other.id.getLeastSignificantBits())) > 0;
	}

}
