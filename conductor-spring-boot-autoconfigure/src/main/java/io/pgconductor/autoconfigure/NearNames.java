package io.pgconductor.autoconfigure;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Finds what somebody may have meant.
 */
final class NearNames {

	private NearNames() {
	}

	/**
	 * Find names that are like another one.
	 * @param name the name that is not there
	 * @param names those that are
	 * @return the likely ones, the likeliest first; at most three
	 */
	static List<String> of(String name, Collection<String> names) {
		String wanted = plain(name);
		int limit = Math.max(1, wanted.length() / 3);
		return names.stream()
			.filter((candidate) -> plain(candidate).startsWith(wanted) || distance(wanted, plain(candidate)) <= limit)
			.sorted(Comparator.<String>comparingInt((candidate) -> distance(wanted, plain(candidate)))
				.thenComparing(Comparator.naturalOrder()))
			.limit(3)
			.toList();
	}

	private static String plain(String name) {
		return name.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]", "");
	}

	/**
	 * Levenshtein's distance.
	 */
	private static int distance(String first, String second) {
		int[] previous = new int[second.length() + 1];
		for (int j = 0; j <= second.length(); j++) {
			previous[j] = j;
		}
		for (int i = 1; i <= first.length(); i++) {
			int[] current = new int[second.length() + 1];
			current[0] = i;
			for (int j = 1; j <= second.length(); j++) {
				int replaced = previous[j - 1] + ((first.charAt(i - 1) != second.charAt(j - 1)) ? 1 : 0);
				current[j] = Math.min(replaced, Math.min(previous[j], current[j - 1]) + 1);
			}
			previous = current;
		}
		return previous[second.length()];
	}

}
