package io.pgconductor.codegen;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

import javax.lang.model.SourceVersion;

/**
 * Makes names of Java of those of PostgreSQL, where everything is allowed.
 */
final class JavaNames {

	private static final String UNDERSCORE = "_";

	// Those of methods without parameters that a record has already
	private static final Set<String> METHODS = Set.of("clone", "finalize", "getClass", "hashCode", "notify",
			"notifyAll", "toString", "wait");

	private JavaNames() {
	}

	/**
	 * Return the name of the type for a table or an enum.
	 * @param name such as {@code order_lines}
	 * @return such as {@code OrderLines}
	 */
	static String type(String name) {
		return identifier(words(name).stream().map(JavaNames::capitalize).collect(Collectors.joining()));
	}

	/**
	 * Return the name of the component for a column.
	 * @param name such as {@code first_name}
	 * @return such as {@code firstName}
	 */
	static String component(String name) {
		List<String> words = words(name);
		StringBuilder result = new StringBuilder();
		for (String word : words) {
			result.append(result.isEmpty() ? uncapitalize(word) : capitalize(word));
		}
		String component = identifier(result.toString());
		return METHODS.contains(component) ? component + UNDERSCORE : component;
	}

	/**
	 * Return the name of the constant for a label.
	 * @param label the label
	 * @return the label itself if it is an identifier
	 */
	static String constant(String label) {
		return identifier(replaceOthers(label));
	}

	/**
	 * Return the last part of the name of a package for a schema.
	 * @param schema the name of the schema
	 * @return a name without capitals
	 */
	static String packagePart(String schema) {
		return identifier(replaceOthers(schema.toLowerCase(Locale.ROOT)));
	}

	/**
	 * Return the column that a component is read from if nothing else is said. This is
	 * how Conductor finds it.
	 * @param component the name of the component
	 * @return the name in snake_case
	 */
	static String column(String component) {
		return component.replaceAll("(\\p{Ll}|\\d)(\\p{Lu})", "$1_$2")
			.replaceAll("(\\p{Lu})(\\p{Lu}\\p{Ll})", "$1_$2")
			.toLowerCase(Locale.ROOT);
	}

	static boolean isPackage(String name) {
		return SourceVersion.isName(name);
	}

	private static List<String> words(String name) {
		// Nothing but capitals is no camel case
		String text = name.codePoints().anyMatch(Character::isLowerCase) ? name : name.toLowerCase(Locale.ROOT);
		List<String> words = new ArrayList<>();
		StringBuilder word = new StringBuilder();
		IntPredicate separator = (c) -> c == '_' || !isPart(c);
		text.codePoints().forEach((c) -> {
			if (!separator.test(c)) {
				word.appendCodePoint(c);
			}
			else if (!word.isEmpty()) {
				words.add(word.toString());
				word.setLength(0);
			}
		});
		if (!word.isEmpty()) {
			words.add(word.toString());
		}
		return words;
	}

	// Neither what compilers use for names of their own, nor what cannot be seen
	private static boolean isPart(int c) {
		return c != '$' && Character.isJavaIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
	}

	private static String replaceOthers(String name) {
		return name.codePoints()
			.mapToObj((c) -> isPart(c) ? Character.toString(c) : UNDERSCORE)
			.collect(Collectors.joining());
	}

	private static String capitalize(String word) {
		int first = word.codePointAt(0);
		return Character.toString(Character.toTitleCase(first)) + word.substring(Character.charCount(first));
	}

	private static String uncapitalize(String word) {
		int[] letters = word.codePoints().toArray();
		int capitals = 0;
		while (capitals < letters.length && Character.isUpperCase(letters[capitals])) {
			capitals++;
		}
		// URLPath is urlPath
		int count = (capitals > 1 && capitals < letters.length && Character.isLowerCase(letters[capitals]))
				? capitals - 1 : capitals;
		for (int i = 0; i < count; i++) {
			letters[i] = Character.toLowerCase(letters[i]);
		}
		return new String(letters, 0, letters.length);
	}

	private static String identifier(String name) {
		String result = name;
		if (result.isEmpty() || !Character.isJavaIdentifierStart(result.codePointAt(0))) {
			result = UNDERSCORE + result;
		}
		return SourceVersion.isKeyword(result) ? result + UNDERSCORE : result;
	}

}
