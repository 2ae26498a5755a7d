package io.pgconductor.codegen;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Keeps names apart. The first one who wants a name has it, others get a number behind
 * it.
 */
final class UniqueNames {

	private static final int SECOND = 2;

	private final UnaryOperator<String> key;

	private final Set<String> wanted = new HashSet<>();

	private final Set<String> taken = new HashSet<>();

	/**
	 * Create it.
	 * @param key returns the same for names that are too much alike
	 * @param wanted all names that are wanted: no number makes one of them
	 */
	UniqueNames(UnaryOperator<String> key, Collection<String> wanted) {
		this.key = key;
		wanted.stream().map(key).forEach(this.wanted::add);
	}

	/**
	 * Take a name.
	 * @param name the name that is wanted
	 * @return the name, or one with a number
	 */
	String take(String name) {
		String result = name;
		for (int i = SECOND; !isFree(result, name); i++) {
			result = name + i;
		}
		this.taken.add(this.key.apply(result));
		return result;
	}

	private boolean isFree(String candidate, String name) {
		String candidateKey = this.key.apply(candidate);
		return !this.taken.contains(candidateKey) && (candidate.equals(name) || !this.wanted.contains(candidateKey));
	}

}
