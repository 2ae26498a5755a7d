package io.pgconductor;

import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RowReplayTests {

	@Test
	void asksForAllRowsOfATableInPublic() {
		RowReplay rows = RowReplay.of("contact");

		assertThat(rows.schema()).isEqualTo("public");
		assertThat(rows.table()).isEqualTo("contact");
		assertThat(rows.condition()).isNull();
		assertThat(rows.parameters()).isEmpty();
		assertThat(rows.batchSize()).isEqualTo(1000);
		assertThat(rows.trigger()).isNull();
	}

	@Test
	void changesCopies() {
		Map<String, Object> parameters = new HashMap<>(Map.of("id", 5));
		RowReplay all = RowReplay.of("sales", "contact");

		RowReplay some = all.where("id > :id", parameters).batchSize(10).trigger("conductor_1");
		parameters.put("id", 6);

		assertThat(all.condition()).isNull();
		assertThat(some.condition()).isEqualTo("id > :id");
		assertThat(some.parameters()).isEqualTo(Map.of("id", 5));
		assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> some.parameters().clear());
		assertThat(some.batchSize()).isEqualTo(10);
		assertThat(some.trigger()).isEqualTo("conductor_1");
		assertThat(some).hasToString("sales.contact");
		assertThat(some.where("active").parameters()).isEmpty();
	}

	@Test
	void takesParametersThatAreNull() {
		Map<String, Object> parameters = new HashMap<>();
		parameters.put("id", null);

		assertThat(RowReplay.of("contact").where("id = :id", parameters).parameters()).containsEntry("id", null);
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, -1, 10_001 })
	void refusesBatchesThatAreEmptyOrTooLarge(int batchSize) {
		assertThatIllegalArgumentException().isThrownBy(() -> RowReplay.of("contact").batchSize(batchSize))
			.withMessageContainingAll("batchSize", "1 to 10000", String.valueOf(batchSize));
	}

	@Test
	void refusesWhatIsEmpty() {
		assertThatIllegalArgumentException().isThrownBy(() -> RowReplay.of(" "));
		assertThatIllegalArgumentException().isThrownBy(() -> RowReplay.of("", "contact"));
		assertThatIllegalArgumentException().isThrownBy(() -> RowReplay.of("contact").where(" "));
	}

}
