package io.pgconductor.codegen;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Puts texts that anybody may have written into Java source.
 */
final class JavaText {

	private JavaText() {
	}

	/**
	 * Return a text as a literal.
	 * @param text the text
	 * @return the literal, with its quotes
	 */
	static String literal(String text) {
		return "\"" + text.codePoints().mapToObj(JavaText::inLiteral).collect(Collectors.joining()) + "\"";
	}

	private static String inLiteral(int c) {
		return switch (c) {
			case '"' -> "\\\"";
			case '\\' -> "\\\\";
			case '\n' -> "\\n";
			case '\r' -> "\\r";
			case '\t' -> "\\t";
			default -> isInvisible(c) ? Character.toString(c)
				.chars()
				.mapToObj((unit) -> "\\u%04x".formatted(unit))
				.collect(Collectors.joining()) : Character.toString(c);
		};
	}

	/**
	 * Return a text as lines of a Javadoc comment.
	 * @param text the text
	 * @return lines of HTML that mean the text and nothing else
	 */
	static List<String> javadoc(String text) {
		return text.strip().lines().map((line) -> inJavadoc(line.strip())).toList();
	}

	private static String inJavadoc(String line) {
		StringBuilder result = new StringBuilder();
		line.codePoints().forEach((c) -> {
			switch (c) {
				case '&' -> result.append("&amp;");
				case '<' -> result.append("&lt;");
				case '>' -> result.append("&gt;");
				case '@', '\\', '{', '}' -> result.append(entity(c));
				// Nor is there an end of the comment
				case '/' ->
					result.append((!result.isEmpty() && result.charAt(result.length() - 1) == '*') ? entity(c) : "/");
				default -> result.append(isInvisible(c) ? " " : Character.toString(c));
			}
		});
		return result.toString();
	}

	private static String entity(int c) {
		return "&#" + c + ";";
	}

	// What could make source look like another one
	private static boolean isInvisible(int c) {
		return Character.isISOControl(c) || switch (Character.getType(c)) {
			case Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE -> true;
			default -> false;
		};
	}

}
