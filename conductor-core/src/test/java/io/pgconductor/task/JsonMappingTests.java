package io.pgconductor.task;

import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class JsonMappingTests {

	private final JsonMapping json = new JsonMapping(JsonMapping.mapperBuilder().build(), 1000);

	enum Size {

		SMALL, LARGE;

		@Override
		public String toString() {
			return name().toLowerCase();
		}

	}

	record Order(@Nullable String customer, int quantity, boolean express, @Nullable Size size,
			@Nullable BigDecimal price) {
	}

	record Times(Instant instant, OffsetDateTime offset, ZonedDateTime zoned, LocalDate date, Duration duration) {
	}

	static class Node {

		public String name = "node";

		public @Nullable Node next;

	}

	static class Throwing {

		public String getName() {
			throw new IllegalStateException("not loaded");
		}

	}

	static class Cart {

		public List<Throwing> items = List.of(new Throwing());

	}

	@Test
	void writesNothingForNull() {
		assertThat(this.json.write(null, "payload")).isNull();
		assertThat(this.json.read(null, Order.class, "payload")).isNull();
		assertThat(this.json.readTree(null)).isNull();
	}

	@Test
	void readsTheJsonNullAsNull() {
		assertThat(this.json.read("null", Order.class, "payload")).isNull();
		assertThat(this.json.write(Optional.empty(), "payload")).isEqualTo("null");
	}

	@Test
	void writesEnumsByName() {
		Map<Size, Size> sizes = new EnumMap<>(Map.of(Size.SMALL, Size.LARGE));

		String written = this.json.write(sizes, "payload");

		assertThat(written).isEqualTo("{\"SMALL\":\"LARGE\"}");
		assertThat(read(written, new ParameterizedTypeReference<Map<Size, Size>>() {
		})).isEqualTo(sizes);
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.read("\"small\"", Size.class, "payload"));
	}

	@Test
	void keepsDecimalsExactly() {
		BigDecimal price = new BigDecimal("12345678901234567890.10");

		String written = this.json.write(Map.of("price", price), "payload");

		assertThat(((Map<?, ?>) read(written, Object.class)).get("price")).isEqualTo(price);
		assertThat(((Order) read(written, Order.class)).price()).isEqualTo(price);
		JsonNode tree = this.json.readTree(written);
		assertThat(tree.get("price").decimalValue()).isEqualTo(price);
		assertThat(this.json.write(tree, "payload")).isEqualTo(written);
	}

	@Test
	void keepsIntegersOfAnySize() {
		BigInteger number = BigInteger.TWO.pow(200);

		assertThat(read(this.json.write(number, "payload"), Object.class)).isEqualTo(number);
		assertThat(read(this.json.write(Long.MAX_VALUE, "payload"), Object.class)).isEqualTo(Long.MAX_VALUE);
	}

	@Test
	void ignoresPropertiesThatItDoesNotKnow() {
		Order order = (Order) read("{\"customer\": \"ada\", \"coupon\": {\"code\": [1]}}", Order.class);

		assertThat(order.customer()).isEqualTo("ada");
	}

	@Test
	void readsMissingPropertiesAsTheirDefaults() {
		assertThat(read("{}", Order.class)).isEqualTo(new Order(null, 0, false, null, null));
		assertThat(read("{\"quantity\": null, \"express\": null}", Order.class))
			.isEqualTo(new Order(null, 0, false, null, null));
	}

	@Test
	void writesTimesInTheFormOfIso() {
		OffsetDateTime offset = OffsetDateTime.parse("2026-03-01T09:00:00.000001+02:00");
		Times times = new Times(Instant.parse("2026-03-01T07:00:00.123456789Z"), offset,
				offset.atZoneSameInstant(ZoneId.of("Europe/Vienna")), LocalDate.of(2026, 3, 1),
				Duration.ofMinutes(90).plusNanos(1));

		String written = this.json.write(times, "payload");

		assertThat(written).contains("\"2026-03-01T07:00:00.123456789Z\"", "\"2026-03-01T09:00:00.000001+02:00\"",
				"\"2026-03-01\"", "\"PT1H30M0.000000001S\"");
		Times read = (Times) read(written, Times.class);
		assertThat(read.instant()).isEqualTo(times.instant());
		assertThat(read.offset()).hasToString("2026-03-01T09:00:00.000001+02:00");
		assertThat(read.zoned()).hasToString("2026-03-01T08:00:00.000001+01:00");
		assertThat(read.duration()).isEqualTo(times.duration());
	}

	@Test
	void readsGenericTypes() {
		assertThat(read("[{\"customer\": \"ada\"}]", new ParameterizedTypeReference<List<Order>>() {
		})).isEqualTo(List.of(new Order("ada", 0, false, null, null)));
		assertThat(read("\"ada\"", new ParameterizedTypeReference<Optional<String>>() {
		})).isEqualTo(Optional.of("ada"));
	}

	@Test
	void tellsWhereAPayloadDoesNotFit() {
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(
				() -> this.json.read("[{\"quantity\": \"many\"}]", new ParameterizedTypeReference<List<Order>>() {
				}.getType(), "payload of task 'ship'"))
			.withMessageContainingAll("payload of task 'ship'", "Order", "many", "[0]", "\"quantity\"");
	}

	@Test
	void refusesJsonThatIsNone() {
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.read("{\"customer\"", Order.class, "payload"));
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.read("1 2", Integer.class, "payload"));
	}

	@Test
	void tellsWhereAPayloadCannotBeWritten() {
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.write(new Cart(), "payload for task 'ship'"))
			.withMessageContainingAll("payload for task 'ship'", Cart.class.getName(), "not loaded", "\"items\"", "[0]",
					"\"name\"")
			.withStackTraceContaining("getName");
	}

	@Test
	void refusesACycleWithAMessageThatCanBeRead() {
		Node node = new Node();
		node.next = node;

		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> this.json.write(node, "payload"))
			.withMessageContainingAll("payload", Node.class.getName())
			.satisfies((ex) -> assertThat(ex.getMessage()).hasSizeLessThan(2000));
		List<Object> list = new ArrayList<>();
		list.add(list);
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> this.json.write(list, "payload"));
	}

	@Test
	void boundsTheSizeInBytesOfUtf8() {
		assertThat(this.json.write("a".repeat(998), "payload")).hasSize(1000);
		assertThat(this.json.write("ä".repeat(499), "payload")).hasSize(501);
		assertThat(this.json.write("€".repeat(332), "payload")).hasSize(334);

		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.write("a".repeat(999), "payload"))
			.withMessageContainingAll("payload", "1000 bytes", "conductor.max-payload-size");
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.write("ä".repeat(500), "payload"));
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.write("€".repeat(333), "payload"));
	}

	@Test
	void writesErrorsOfAnyException() {
		ExecutionError plain = error(new IllegalStateException("boom\u0000"));
		ExecutionError large = error(new IllegalStateException("x".repeat(100_000)));
		ExecutionError silent = error(new NullPointerException());
		ExecutionError hostile = error(new RuntimeException() {

			@Override
			public String getMessage() {
				throw new UnsupportedOperationException();
			}

		});

		assertThat(plain.type()).isEqualTo("java.lang.IllegalStateException");
		assertThat(plain.message()).isEqualTo("boom\u0000");
		assertThat(plain.stackTrace()).contains("JsonMappingTests");
		assertThat(large.message()).hasSizeBetween(4000, 4001);
		assertThat(large.stackTrace()).hasSizeBetween(16_000, 16_001);
		assertThat(silent.message()).isNull();
		assertThat(hostile.message()).contains("UnsupportedOperationException");
	}

	private ExecutionError error(Throwable failure) {
		return (ExecutionError) read(this.json.writeError(failure), ExecutionError.class);
	}

	private Object read(@Nullable String text, ParameterizedTypeReference<?> type) {
		return read(text, type.getType());
	}

	private Object read(@Nullable String text, Type type) {
		return this.json.read(text, type, "payload");
	}

}
