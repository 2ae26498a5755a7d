package io.pgconductor;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Events as unit tests of handlers make them.
 */
class TaskEventTests {

	private static final Instant NINE = Instant.parse("2027-01-01T09:00:00Z");

	private static final UUID ID = UUID.fromString("01a214f4-fae8-7000-8ed3-dbffd1082835");

	private static final ParameterizedTypeReference<List<String>> STRINGS = new ParameterizedTypeReference<>() {
	};

	@Test
	void readsThePayloadOfAnInvocationAsItIs() {
		Invocation<List<String>> event = new Invocation<>(List.of("a"));

		assertThat(event.payload()).containsExactly("a");
		assertThat(event.payload(Object.class)).isSameAs(event.payload());
		assertThat(event.payload(STRINGS)).isSameAs(event.payload());
		assertThat(event.name()).isEqualTo(Invocation.NAME);
	}

	@Test
	void readsThePayloadOfATickAsItIs() {
		ScheduleTick<String> event = new ScheduleTick<>("daily", NINE, "a");

		assertThat(event.payload()).isEqualTo("a");
		assertThat(event.payload(String.class)).isEqualTo("a");
		assertThat(event.name()).isEqualTo("daily");
		assertThat(event.scheduledAt()).isEqualTo(NINE);
	}

	@Test
	void readsThePayloadOfAnEmittedEventAsItIs() {
		EmittedEvent<String> event = new EmittedEvent<>("order.placed", ID, NINE, "a");

		assertThat(event.payload()).isEqualTo("a");
		assertThat(event.payload(String.class)).isEqualTo("a");
		assertThat(event.name()).isEqualTo("order.placed");
		assertThat(event.id()).isEqualTo(ID);
		assertThat(event.emittedAt()).isEqualTo(NINE);
	}

	@Test
	void readsNothingWhereThereIsNoPayload() {
		ScheduleTick<?> event = new ScheduleTick<>("daily", NINE, null);

		assertThat(event.payload()).isNull();
		assertThat(event.payload(String.class)).isNull();
		assertThat(event.payload(STRINGS)).isNull();
	}

}
