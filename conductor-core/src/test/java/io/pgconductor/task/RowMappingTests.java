package io.pgconductor.task;

import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.RowOperation;
import io.pgconductor.TaskFailure;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.ParameterizedTypeReference;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.annotation.JsonNaming;
import tools.jackson.databind.annotation.JsonPOJOBuilder;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.deser.std.StdDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for the reading of rows: which columns make which properties, and the forms that
 * PostgreSQL writes values in.
 */
class RowMappingTests {

	private static final byte[] HI = "hi".getBytes(StandardCharsets.US_ASCII);

	private JsonMapping json = mapping(JsonMapping.mapperBuilder());

	enum Size {

		SMALL, LARGE;

		@Override
		public String toString() {
			return name().toLowerCase();
		}

	}

	record Contact(int id, @Nullable String firstName, @Nullable String homeURL) {
	}

	@Test
	void aComponentIsTheColumnOfItsNameInSnakeCase() {
		assertThat(row(Contact.class, """
				{"id": 7, "first_name": "Ada", "home_url": "http://localhost"}"""))
			.isEqualTo(new Contact(7, "Ada", "http://localhost"));
	}

	@Test
	void theExactNameIsBetter() {
		assertThat(row(Contact.class, """
				{"firstName": "Ada", "first_name": "Eve", "id": 7}""")).isEqualTo(new Contact(7, "Ada", null));
		assertThat(row(Contact.class, """
				{"first_name": "Eve", "firstName": "Ada", "id": 7}""")).isEqualTo(new Contact(7, "Ada", null));
	}

	@Test
	void otherColumnsAreIgnoredAndMissingOnesAreNull() {
		assertThat(row(Contact.class, """
				{"other_column": {"first_name": "Eve"}}""")).isEqualTo(new Contact(0, null, null));
		assertThat(row(Contact.class, """
				{"id": null, "first_name": null}""")).isEqualTo(new Contact(0, null, null));
	}

	@Test
	void listsTheColumnsOfEachProperty() {
		assertThat(properties(Contact.class)).containsExactlyInAnyOrder(property("id", "id"),
				property("firstName", "firstName", "first_name"), property("homeURL", "homeURL", "home_url"));
		assertThat(properties(new ParameterizedTypeReference<Optional<Contact>>() {
		}.getType())).hasSize(3);
	}

	record Annotated(@JsonProperty("mail") String emailAddress, @JsonAlias(value = {
			"given", "call_name" }) String firstName, @JsonIgnore @Nullable String secret,
			@JsonProperty(access = JsonProperty.Access.READ_ONLY) @Nullable String derived){
	}

	@Test
	void followsPropertyAndAliasBeforeSnakeCase() {
		assertThat(properties(Annotated.class)).containsExactlyInAnyOrder(
				property("emailAddress", "emailAddress", "mail", "email_address"),
				property("firstName", "firstName", "given", "call_name", "first_name"));
		assertThat(row(Annotated.class,
				"""
						{"mail": "a", "email_address": "b", "first_name": "c", "call_name": "d", "secret": "e", "derived": "f"}"""))
			.isEqualTo(new Annotated("a", "d", null, null));
		assertThat(row(Annotated.class, """
				{"emailAddress": "b", "mail": "a", "first_name": "c"}"""))
			.isEqualTo(new Annotated("b", "c", null, null));
		assertThat(row(Annotated.class, """
				{"email_address": "b", "first_name": "c"}""")).isEqualTo(new Annotated("b", "c", null, null));
	}

	record Swapped(@JsonProperty("b") String a, @JsonProperty("a") String b) {
	}

	@Test
	void aColumnMayHaveTheNameOfAnotherProperty() {
		assertThat(row(Swapped.class, """
				{"a": "of a", "b": "of b"}""")).isEqualTo(new Swapped("of a", "of b"));
	}

	@JsonNaming(KebabCaseStrategy.class)
	record Named(String firstName, String lastName) {
	}

	@Test
	void followsTheNamingOfATypeAndOfTheMapper() {
		assertThat(properties(Named.class)).contains(property("firstName", "firstName", "first-name", "first_name"));
		assertThat(row(Named.class, """
				{"first-name": "Ada", "last_name": "Byron"}""")).isEqualTo(new Named("Ada", "Byron"));

		this.json = mapping(
				JsonMapping.mapperBuilder().propertyNamingStrategy(PropertyNamingStrategies.UPPER_CAMEL_CASE));

		assertThat(properties(Contact.class)).contains(property("firstName", "firstName", "FirstName", "first_name"));
		assertThat(row(Contact.class, """
				{"ID": 1, "id": 7, "first_name": "Ada"}""")).isEqualTo(new Contact(7, "Ada", null));
		assertThat(row(Named.class, """
				{"first_name": "Ada", "lastName": "Byron"}""")).isEqualTo(new Named("Ada", "Byron"));
	}

	static class Bean {

		private String firstName = "none";

		public int itemCount;

		private @Nullable String derived;

		public String getFirstName() {
			return this.firstName;
		}

		public void setFirstName(String firstName) {
			this.firstName = firstName;
		}

		public @Nullable String getDerived() {
			return this.derived;
		}

	}

	@Test
	void readsABeanWithSetters() {
		Bean bean = (Bean) row(Bean.class, """
				{"first_name": "Ada", "item_count": 3}""");

		assertThat(bean.getFirstName()).isEqualTo("Ada");
		assertThat(bean.itemCount).isEqualTo(3);
		assertThat(properties(Bean.class)).extracting(RowProperty::name).contains("firstName", "itemCount");
	}

	static final class Constructed {

		private final String name;

		@JsonCreator
		Constructed(@JsonProperty("firstName") String name) {
			this.name = name;
		}

	}

	@Test
	void readsThroughAConstructor() {
		assertThat(((Constructed) row(Constructed.class, "{\"firstName\": \"Ada\"}")).name).isEqualTo("Ada");
		assertThat(properties(Constructed.class)).hasSize(1);
	}

	@JsonDeserialize(builder = Built.Builder.class)
	static final class Built {

		private final String firstName;

		Built(String firstName) {
			this.firstName = firstName;
		}

		@JsonPOJOBuilder
		static final class Builder {

			private String firstName = "none";

			Builder withFirstName(String firstName) {
				this.firstName = firstName;
				return this;
			}

			Built build() {
				return new Built(this.firstName);
			}

		}

	}

	@Test
	void readsThroughABuilder() {
		assertThat(((Built) row(Built.class, "{\"first_name\": \"Ada\"}")).firstName).isEqualTo("Ada");
		assertThat(properties(Built.class)).containsExactly(property("firstName", "firstName", "first_name"));
	}

	record Address(String streetName, String city) {
	}

	record Person(String name, @JsonUnwrapped(prefix = "home_") Address address) {
	}

	@Test
	void unwrapsWhatIsPartOfTheRow() {
		assertThat(properties(Person.class)).containsExactlyInAnyOrder(property("name", "name"),
				property("streetName", "home_streetName", "home_street_name"), property("city", "home_city"));
		assertThat(row(Person.class, """
				{"name": "Ada", "home_street_name": "High Street", "home_city": "London"}"""))
			.isEqualTo(new Person("Ada", new Address("High Street", "London")));
	}

	@JsonIgnoreProperties("hidden")
	static class WithRest {

		public @Nullable String firstName;

		public @Nullable String hidden;

		@JsonAnySetter
		public Map<String, Object> rest = new HashMap<>();

	}

	@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
	@JsonSubTypes(@JsonSubTypes.Type(value = Circle.class, name = "circle"))
	interface Shape {

	}

	record Circle(int radius) implements Shape {
	}

	@JsonDeserialize(using = OwnDeserializer.class)
	record Own(String text) {
	}

	static class OwnDeserializer extends StdDeserializer<Own> {

		OwnDeserializer() {
			super(Own.class);
		}

		@Override
		public Own deserialize(JsonParser parser, DeserializationContext context) {
			return new Own(context.readTree(parser).toString());
		}

	}

	@ParameterizedTest
	@ValueSource(classes = { Map.class, HashMap.class, JsonNode.class, ObjectNode.class, Object.class, String.class,
			Integer.class, UUID.class, Size.class, List.class, byte[].class, WithRest.class, Shape.class, Own.class })
	void someTypesTakeWhateverThereIs(Class<?> type) {
		assertThat(this.json.rowProperties(type)).isNull();
	}

	@Test
	void theNamesOfThoseStayAsTheyAre() {
		String row = """
				{"first_name":"Ada","hidden":"x","more":{"last_name":"Byron"}}""";

		assertThat(row(Map.class, row))
			.isEqualTo(Map.of("first_name", "Ada", "hidden", "x", "more", Map.of("last_name", "Byron")));
		assertThat(row(JsonNode.class, row)).hasToString(row);
		assertThat(row(Object.class, row)).isInstanceOf(Map.class);
		assertThat(row(Own.class, row)).isEqualTo(new Own(row));
		assertThat(row(Shape.class, "{\"kind\": \"circle\", \"radius\": 3}")).isEqualTo(new Circle(3));
		WithRest rest = (WithRest) row(WithRest.class, row);
		assertThat(rest.firstName).isEqualTo("Ada");
		assertThat(rest.hidden).isNull();
		assertThat(rest.rest).isEqualTo(Map.of("more", Map.of("last_name", "Byron")));
	}

	record Document(Contact mainContact, Map<String, Object> allOptions, JsonNode rawText, List<Contact> others) {
	}

	@Test
	void namesWithinJsonbAreLeftAlone() {
		Document document = (Document) row(Document.class, """
				{"main_contact": {"id": 1, "firstName": "Ada", "first_name": "Eve"},
				 "all_options": {"first_name": 1, "firstName": 2},
				 "raw_text": {"first_name": "x"},
				 "others": [{"id": 2, "first_name": "Eve"}]}""");

		assertThat(document.mainContact()).isEqualTo(new Contact(1, "Ada", null));
		assertThat(document.allOptions()).isEqualTo(Map.of("first_name", 1, "firstName", 2));
		assertThat(document.rawText()).hasToString("{\"first_name\":\"x\"}");
		assertThat(document.others()).containsExactly(new Contact(2, null, null));
	}

	record Numbers(BigDecimal price, BigInteger total, long count, double ratio, float share, Number any) {
	}

	@Test
	void numbersAreExact() {
		String row = """
				{"price":12345678901234567890.1234567890,"total":123456789012345678901234567890,"count":9007199254740993,
				 "ratio":0.1,"share":1e+20,"any":12.50}""";

		Numbers numbers = (Numbers) row(Numbers.class, row);
		assertThat(numbers).isEqualTo(new Numbers(new BigDecimal("12345678901234567890.1234567890"),
				new BigInteger("123456789012345678901234567890"), 9007199254740993L, 0.1, 1e20f,
				new BigDecimal("12.50")));
		Map<?, ?> map = (Map<?, ?>) row(Map.class, row);
		assertThat(map.get("any")).isEqualTo(new BigDecimal("12.50"));
		assertThat(map.get("price")).isEqualTo(numbers.price());
		assertThat(map.get("total")).isEqualTo(numbers.total());
		assertThat(map.get("count")).isEqualTo(9007199254740993L);
		assertThat(((JsonNode) row(JsonNode.class, row)).get("any").decimalValue()).isEqualTo(new BigDecimal("12.50"));
	}

	@Test
	void numbersAreExactHoweverTheMapperIsCustomized() {
		this.json = mapping(JsonMapping.mapperBuilder().enable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES));

		assertThat(((Map<?, ?>) row(Map.class, "{\"a\": 12.50}")).get("a")).isEqualTo(new BigDecimal("12.50"));
		assertThat(((JsonNode) row(JsonNode.class, "{\"a\": 12.50}")).get("a").decimalValue())
			.isEqualTo(new BigDecimal("12.50"));
	}

	record Floats(double a, Double b, float c) {
	}

	@Test
	void readsWhatIsNoFiniteNumber() {
		assertThat(row(Floats.class, """
				{"a": "NaN", "b": "Infinity", "c": "-Infinity"}"""))
			.isEqualTo(new Floats(Double.NaN, Double.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY));
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> row(Numbers.class, """
				{"price": "NaN"}""")).withMessageContainingAll("NaN", "price");
	}

	record Times(Instant changedAt, OffsetDateTime offset, LocalDateTime local, LocalDate date, LocalTime time,
			OffsetTime zonedTime, OffsetTime halfHour) {
	}

	@Test
	void readsDatesAndTimes() {
		assertThat(row(Times.class, """
				{"changed_at": "2026-11-26T02:00:00.123456+01:00", "offset": "2026-11-26T01:00:00+00:00",
				 "local": "2026-11-26T01:00:00.5", "date": "2026-11-26", "time": "12:00:00.25",
				 "zoned_time": "12:00:00.5+00", "half_hour": "12:00:00-05:30"}"""))
			.isEqualTo(new Times(Instant.parse("2026-11-26T01:00:00.123456Z"),
					OffsetDateTime.parse("2026-11-26T01:00:00Z"), LocalDateTime.parse("2026-11-26T01:00:00.5"),
					LocalDate.parse("2026-11-26"), LocalTime.parse("12:00:00.25"),
					OffsetTime.of(12, 0, 0, 500_000_000, ZoneOffset.UTC), OffsetTime.parse("12:00:00-05:30")));
	}

	record Intervals(Duration days, Duration minutes, Duration fraction, Period months, Period none) {
	}

	@Test
	void readsIntervals() {
		assertThat(row(Intervals.class,
				"""
						{"days": "P1DT2H", "minutes": "PT-3M", "fraction": "PT0.000001S", "months": "P1Y2M", "none": "PT0S"}"""))
			.isEqualTo(new Intervals(Duration.ofHours(26), Duration.ofMinutes(-3), Duration.ofNanos(1000),
					Period.of(1, 2, 0), Period.ZERO));
	}

	static class Binary {

		public byte @Nullable [] content;

		public byte @Nullable [][] parts;

		public @Nullable List<byte[]> pages;

		public Optional<byte[]> maybe = Optional.empty();

		public byte @Nullable [] encoded;

	}

	@Test
	void readsBytea() {
		Binary binary = (Binary) row(Binary.class, """
				{"content": "\\\\x6869", "parts": ["\\\\x6869", "\\\\x"], "pages": ["\\\\x6869", null],
				 "maybe": "\\\\x6869", "encoded": "aGk="}""");

		assertThat(binary.content).isEqualTo(HI);
		assertThat(binary.parts).isDeepEqualTo(new byte[][] { HI, {} });
		assertThat(binary.pages).containsExactly(HI, null);
		assertThat(binary.maybe).hasValueSatisfying((bytes) -> assertThat(bytes).isEqualTo(HI));
		assertThat(binary.encoded).isEqualTo(HI);
	}

	record Others(UUID id, Size size, List<String> tags, int[] numbers, Set<UUID> ids, boolean active,
			int @Nullable [][] matrix) {
	}

	@Test
	void readsIdsEnumsAndArrays() {
		UUID id = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");

		Others others = (Others) row(Others.class, """
				{"id": "%s", "size": "LARGE", "tags": ["a", null], "numbers": [1, 2], "ids": ["%1$s"], "active": true,
				 "matrix": [[1], [2]]}""".formatted(id));

		assertThat(others.id()).isEqualTo(id);
		assertThat(others.size()).isEqualTo(Size.LARGE);
		assertThat(others.tags()).containsExactly("a", null);
		assertThat(others.numbers()).containsExactly(1, 2);
		assertThat(others.ids()).containsExactly(id);
		assertThat(others.matrix()).isDeepEqualTo(new int[][] { { 1 }, { 2 } });
	}

	@Test
	void saysWhichRowAndWhichColumnCannotBeRead() {
		ChangedRows rows = this.json.readRows("""
				{"old": {"id": "x"}, "new": {"id": 1}}""", "payload of task 'greet'");

		assertThat(rows.newRow(Contact.class)).isEqualTo(new Contact(1, null, null));
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> rows.oldRow(Contact.class))
			.withMessageContainingAll("The old row in the payload of task 'greet' cannot be read as",
					Contact.class.getName(), "\"x\"", "[\"id\"]");
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> row(Others.class, """
				{"content": "", "size": "large"}""")).withMessageContainingAll("large", "[\"size\"]");
	}

	@Test
	void bytesThatAreNoneAreInvalid() {
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> row(Binary.class, """
				{"content": "\\\\x686"}""")).withMessageContainingAll("\\x686", "content");
	}

	@Test
	void aRowThatIsNotThereIsNull() {
		ChangedRows inserted = this.json.readRows("{\"new\": {\"id\": 1}}", "payload");

		assertThat(inserted.oldRow(Contact.class)).isNull();
		assertThat(inserted.newRow(Contact.class)).isEqualTo(new Contact(1, null, null));
		assertThat(this.json.readRows("{\"old\": null}", "payload").oldRow(Contact.class)).isNull();
		assertThat(this.json.readRows(null, "payload").newRow(Contact.class)).isNull();
	}

	@Test
	void theFailureOfARowChangeHasTheNewestRow() {
		Type type = new ParameterizedTypeReference<TaskFailure<Contact>>() {
		}.getType();
		UUID id = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");
		String failure = """
				{"execution": "%s", "task": "greet", "payload": %s, "error": {"type": "T", "message": "m"},
				 "rowChange": %s}""";
		ExecutionError error = new ExecutionError("T", "m", null);

		assertThat(this.json.readFailure(failure.formatted(id, """
				{"old": {"id": 1}, "new": {"id": 2, "first_name": "Ada"}}""", true), type, "payload"))
			.isEqualTo(new TaskFailure<>(id, "greet", new Contact(2, "Ada", null), error));
		assertThat(this.json.readFailure(failure.formatted(id, """
				{"old": {"id": 1, "first_name": "Eve"}}""", true), type, "payload"))
			.isEqualTo(new TaskFailure<>(id, "greet", new Contact(1, "Eve", null), error));
		assertThat(this.json.readFailure(failure.formatted(id, """
				{"id": 3, "firstName": "Kim"}""", false), type, "payload"))
			.isEqualTo(new TaskFailure<>(id, "greet", new Contact(3, "Kim", null), error));
		assertThat(this.json.readFailure(failure.formatted(id, """
				{"new": {"first_name": "Ada"}}""", true), TaskFailure.class, "payload"))
			.isEqualTo(new TaskFailure<>(id, "greet", Map.of("first_name", "Ada"), error));
		assertThat(this.json.readFailure(failure.formatted(id, "null", null), type, "payload"))
			.isEqualTo(new TaskFailure<>(id, "greet", null, error));
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.json.readFailure(failure.formatted(id, """
					{"new": {"id": "x"}}""", true), type, "payload of task 'undo'"))
			.withMessageContainingAll("The payload of task 'undo'", "[\"payload\"]", "[\"id\"]");
	}

	record Meta(String schema, String table, RowOperation operation, Instant at, long xid) {
	}

	record WithMeta(int id, @JsonProperty("_meta") Meta meta) {
	}

	@Test
	void readsWhereAndWhenARowHasChanged() {
		assertThat(row(WithMeta.class, """
				{"id": 1, "_meta": {"schema": "public", "table": "contact", "operation": "INSERT",
				 "at": "2026-11-26T01:00:00+00:00", "xid": 5000000000}}"""))
			.isEqualTo(new WithMeta(1, new Meta("public", "contact", RowOperation.INSERT,
					Instant.parse("2026-11-26T01:00:00Z"), 5_000_000_000L)));
	}

	private static JsonMapping mapping(JsonMapper.Builder builder) {
		return new JsonMapping(builder.build(), 100_000);
	}

	private @Nullable Object row(Type type, String row) {
		return this.json.readRows("{\"new\": " + row + "}", "payload").newRow(type);
	}

	private List<RowProperty> properties(Type type) {
		List<RowProperty> properties = this.json.rowProperties(type);
		assertThat(properties).isNotNull();
		return properties;
	}

	private static RowProperty property(String name, String... columns) {
		return new RowProperty(name, List.of(columns));
	}

}
