package io.pgconductor.task;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class SqlConditionTests {

	@ParameterizedTest
	@ValueSource(
			strings = { "NEW.active", "(NEW.a > 1) and not (OLD.b = 2 or NEW.c is null)", "NEW.name = 'it''s; -- (\"'",
					"NEW.\"we\"\"ird;(\" = 1", "NEW.name = E'it\\'s; (' or NEW.name = e'\\\\'", "NEW.name = 'a\n' 'b'",
					"NEW.a$b = 1 and NEW.é$1 = 2", "NEW.a - 1 / 2 * 3 < - 1", "NEW.tags @> '{a}'::text[]",
					"NEW.doc ? 'key'", "NEW.doc #>> '{a,b}' = '$1'", "type'x' = 'y'", "NEW.a in (1, 2)", "''=''" })
	void takesWhatStaysWithinItsParentheses(String condition) {
		assertThat(SqlCondition.validate(condition)).isEqualTo(condition);
	}

	@ParameterizedTest
	@CsvSource(quoteCharacter = '`', value = { "``, is empty", "`  \n `, is empty",
			"true) or (true, closed that was not opened", "true) execute function x(); --, closed that was not opened",
			"(NEW.a, is not closed", "(((NEW.a)), is not closed", "NEW.a; drop table x, ';' can only be within quotes",
			"NEW.a -- or, comments", "NEW.a /* or */, comments", "NEW.a = 5--1, comments",
			"NEW.a = 'x, quote is not closed", "NEW.\"a = 1, quote is not closed",
			"NEW.a = E'x\\', quote is not closed", "NEW.a = E'x\\'' or (', is not closed", "NEW.a = 'x\\', backslash",
			"`NEW.a = E'x'\n'\\' )'`, backslash", "NEW.a = namE'x\\' )', backslash",
			"NEW.a \\ 1, can only be within quotes", "NEW.a = $$x$$, dollar quotes", "NEW.a = $x$ ) $x$, dollar quotes",
			"NEW.a = 1$$'$$ ) or ('x' = '', dollar quotes", "NEW.a = $1, dollar quotes" })
	void refusesWhatCouldEndThem(String condition, String problem) {
		assertThatIllegalArgumentException().isThrownBy(() -> SqlCondition.validate(condition))
			.withMessageContaining(problem);
	}

	@Test
	void refusesCharactersThatNoTextCanHave() {
		assertThatIllegalArgumentException().isThrownBy(() -> SqlCondition.validate("NEW.a = 1 \0"))
			.withMessageContaining("'NUL'");
		assertThatIllegalArgumentException().isThrownBy(() -> SqlCondition.validate("NEW.a = '\0'"));
	}

	@Test
	void saysWhere() {
		assertThatIllegalArgumentException().isThrownBy(() -> SqlCondition.validate("NEW.a = 1)"))
			.withMessage("a parenthesis is closed that was not opened (at character 10 of \"NEW.a = 1)\")");
	}

}
