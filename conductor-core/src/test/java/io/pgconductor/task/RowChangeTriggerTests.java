package io.pgconductor.task;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.RowChangeTrigger.Content;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RowChangeTriggerTests {

	private static final Set<RowOperation> UPDATE = Set.of(RowOperation.UPDATE);

	private static final Content ROW = new Content(RowPayload.ROW, null, Map.of(), true, false);

	private static RowChangeTrigger trigger(Set<RowOperation> operations, @Nullable String when, List<String> watch,
			@Nullable String key) {
		return new RowChangeTrigger("public", "contact", operations, when, watch, ROW, key, InvokeOptions.defaults());
	}

	@Test
	void needsSomethingThatHappensToRows() {
		assertThatIllegalArgumentException().isThrownBy(() -> trigger(Set.of(), null, List.of(), null))
			.withMessageContaining("operations");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> trigger(Set.of(RowOperation.INSERT, RowOperation.MANUAL), null, List.of(), null))
			.withMessageContaining("replay");
	}

	@Test
	void watchesUpdatesOnly() {
		assertThat(trigger(UPDATE, null, List.of("email"), null).watch()).containsExactly("email");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> trigger(Set.of(RowOperation.INSERT, RowOperation.DELETE), null, List.of("email"), null))
			.withMessageContaining("add UPDATE");
	}

	@Test
	void takesConditionsThatAreOneExpression() {
		assertThat(trigger(UPDATE, "NEW.active", List.of(), null).when()).isEqualTo("NEW.active");
		assertThatIllegalArgumentException().isThrownBy(() -> trigger(UPDATE, "true) or (true", List.of(), null))
			.withMessageContaining("parenthesis");
		assertThatIllegalArgumentException().isThrownBy(() -> trigger(UPDATE, " ", List.of(), null))
			.withMessageContaining("empty");
	}

	@Test
	void takesKeysOfSomeLength() {
		assertThat(trigger(UPDATE, null, List.of(), "x".repeat(512)).dedupeKey()).hasSize(512);
		assertThatIllegalArgumentException().isThrownBy(() -> trigger(UPDATE, null, List.of(), "x".repeat(513)))
			.withMessageContaining("512");
		assertThatIllegalArgumentException().isThrownBy(() -> trigger(UPDATE, null, List.of(), " "))
			.withMessageContaining("dedupeKey");
	}

	@Test
	void refusesContentThatContradictsItself() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new Content(RowPayload.ROW, List.of("id"), Map.of(), true, false))
			.withMessageContaining("columns are for payload = FIELDS, but it is ROW");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new Content(RowPayload.CUSTOM, null, Map.of(), true, false))
			.withMessageContaining("needs a mapping");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new Content(RowPayload.FIELDS, null, Map.of("a", "b"), true, false))
			.withMessageContaining("mapping is for payload = CUSTOM");
	}

	@Test
	void keepsWhatItWasGivenAndTheOrderOfIt() {
		Map<String, String> mapping = new LinkedHashMap<>();
		List<String> names = List.of("z", "y", "x", "w", "a", "b");
		names.forEach((name) -> mapping.put(name, "id"));
		List<String> watch = new ArrayList<>(List.of("email"));
		Content content = new Content(RowPayload.CUSTOM, null, mapping, true, false);
		RowChangeTrigger trigger = new RowChangeTrigger("public", "contact",
				Set.of(RowOperation.DELETE, RowOperation.UPDATE, RowOperation.INSERT), null, watch, content, null,
				InvokeOptions.defaults());
		mapping.clear();
		watch.clear();

		assertThat(trigger.content().mapping().keySet()).containsExactlyElementsOf(names);
		assertThat(trigger.watch()).containsExactly("email");
		assertThat(trigger.operations()).containsExactly(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE);
	}

}
