package io.pgconductor.jdbc;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;

/**
 * What a recording of outcomes did.
 *
 * @param executions those that were touched; the claims of the others are over
 * @param woken who has something to do now: {@code queue:} and a queue's name, or
 * {@code promoter}
 */
public record Recorded(Set<UUID> executions, Set<String> woken) {

	static Recorded nothing() {
		return new Recorded(new HashSet<>(), new HashSet<>());
	}

	static Recorded of(Collection<UUID> executions) {
		return new Recorded(new HashSet<>(executions), new HashSet<>());
	}

	void add(Recorded other) {
		this.executions.addAll(other.executions);
		this.woken.addAll(other.woken);
	}

}
