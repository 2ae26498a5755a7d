package io.pgconductor.task;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class SqlNameTests {

	@Test
	void takesANameAsItIsAndElseInLowerCase() {
		assertThat(SqlName.candidates("Order")).containsExactly("Order", "order");
		assertThat(SqlName.candidates("order")).containsExactly("order");
		assertThat(SqlName.candidates("a\"b")).containsExactly("a\"b");
		assertThat(SqlName.candidates("")).containsExactly("");
		assertThat(SqlName.candidates("\"")).containsExactly("\"");
	}

	@Test
	void takesAQuotedNameExactly() {
		assertThat(SqlName.candidates("\"Order\"")).containsExactly("Order");
		assertThat(SqlName.candidates("\"we\"\"ird\"")).containsExactly("we\"ird");
		assertThat(SqlName.candidates("\" \"")).containsExactly(" ");
	}

	@ParameterizedTest
	@CsvSource(quoteCharacter = '`', value = { "order, \"order\"", "we\"ird, \"we\"\"ird\"", "\"; drop, \"\"\"; drop\"",
			"back\\, \"back\\\"", "O'Brien, \"O'Brien\"" })
	void putsNamesInQuotes(String name, String quoted) {
		assertThat(SqlName.quote(name)).isEqualTo(quoted);
	}

	@ParameterizedTest
	@CsvSource(quoteCharacter = '`', value = { "a, 'a'", "O'Brien, 'O''Brien'", "\\, E'\\\\'",
			"\\' or 1, E'\\\\'' or 1'", "``, ''", "$$, '$$'" })
	void putsTextsInQuotes(String text, String literal) {
		assertThat(SqlName.literal(text)).isEqualTo(literal);
	}

}
