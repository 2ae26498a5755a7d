package io.pgconductor.task;

/**
 * An SQL condition that is to be put in parentheses into a statement.
 */
public final class SqlCondition {

	private final String text;

	private int position;

	private int depth;

	private SqlCondition(String text) {
		this.text = text;
	}

	/**
	 * Check that a text stays within the parentheses that it is put in, whatever it says
	 * there. Only PostgreSQL can tell whether it is a condition.
	 * @param condition the text
	 * @return the same text
	 * @throws IllegalArgumentException if it could be more than one expression
	 */
	public static String validate(String condition) {
		if (condition.isBlank()) {
			throw new IllegalArgumentException("the condition is empty");
		}
		new SqlCondition(condition).scan();
		return condition;
	}

	private void scan() {
		for (; this.position < this.text.length(); this.position++) {
			char c = this.text.charAt(this.position);
			switch (c) {
				case '\'' -> skipQuoted(c, isEscapeString());
				case '"' -> skipQuoted(c, false);
				case '(' -> this.depth++;
				case ')' -> {
					if (--this.depth < 0) {
						throw invalid("a parenthesis is closed that was not opened");
					}
				}
				case ';', '\\', '\0' -> throw invalid("'" + printable(c) + "' can only be within quotes");
				case '$' -> {
					if (!isWithinIdentifier()) {
						throw invalid("dollar quotes are not understood here: use single quotes");
					}
				}
				case '-', '/' -> {
					if (next() == ((c == '-') ? '-' : '*')) {
						throw invalid("comments are not understood here: remove them");
					}
				}
				default -> {
				}
			}
		}
		if (this.depth > 0) {
			throw invalid("a parenthesis is not closed");
		}
	}

	private char next() {
		return (this.position + 1 < this.text.length()) ? this.text.charAt(this.position + 1) : ' ';
	}

	private void skipQuoted(char quote, boolean escapes) {
		int begin = this.position++;
		while (this.position < this.text.length()) {
			char c = this.text.charAt(this.position);
			if (c == '\0') {
				break;
			}
			if (c == '\\' && quote == '\'' && !escapes) {
				// What it means depends on a setting of the session
				throw invalid("a backslash in a text must be written as in E'\\\\'");
			}
			if (c == '\\' && escapes) {
				this.position++;
			}
			else if (c == quote) {
				if (next() != quote) {
					return;
				}
				this.position++;
			}
			this.position++;
		}
		this.position = begin;
		throw invalid("a quote is not closed");
	}

	// E'it\'s', and not NAME'…'
	private boolean isEscapeString() {
		int before = this.position - 1;
		return before >= 0 && Character.toLowerCase(this.text.charAt(before)) == 'e' && !isIdentifierPart(before - 1);
	}

	// 1$$ begins a quote, a1$$ doesn't
	private boolean isWithinIdentifier() {
		int begin = this.position;
		while (isIdentifierPart(begin - 1)) {
			begin--;
		}
		char first = this.text.charAt(begin);
		return begin < this.position && first != '$' && !Character.isDigit(first);
	}

	private boolean isIdentifierPart(int index) {
		if (index < 0) {
			return false;
		}
		char c = this.text.charAt(index);
		return Character.isLetterOrDigit(c) || c == '_' || c == '$' || c > 127;
	}

	private static String printable(char c) {
		return (c == '\0') ? "NUL" : String.valueOf(c);
	}

	private IllegalArgumentException invalid(String problem) {
		return new IllegalArgumentException(
				problem + " (at character " + (this.position + 1) + " of \"" + this.text + "\")");
	}

}
