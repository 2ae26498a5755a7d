package io.pgconductor.task;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class PayloadPathTests {

	@Test
	void readsNestedNames() {
		assertThat(PayloadPath.parse(" tenant.billingAddress.id ").names()).containsExactly("tenant", "billingAddress",
				"id");
		assertThat(PayloadPath.parse("tenant.id")).hasToString("tenant.id");
	}

	@Test
	void knowsTheNamesOfColumns() {
		assertThat(PayloadPath.parse("customerId")).extracting(PayloadPath::toColumns)
			.isEqualTo(PayloadPath.parse("customer_id"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "", " ", ".", "a.", ".a", "a..b", "a.b\u0001", "a.b.c.d.e.f.g.h.i.j.k" })
	void refusesWhatIsNoPath(String text) {
		assertThatIllegalArgumentException().isThrownBy(() -> PayloadPath.parse(text))
			.withMessageContaining("tenant.id");
	}

	@Test
	void refusesALongName() {
		assertThat(PayloadPath.parse("x".repeat(200)).names()).hasSize(1);
		assertThatIllegalArgumentException().isThrownBy(() -> PayloadPath.parse("x".repeat(201)));
	}

}
