package io.pgconductor.codegen;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetTime;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/**
 * Chooses types that the JSON of a column can always be read as.
 */
final class JavaTypes {

	private static final JavaType TEXT = JavaType.of(String.class);

	private static final JavaType TREE = new JavaType("tools.jackson.databind", "JsonNode", null, null);

	// Of what is not here, JSON has the text. So it has of an interval, which is neither
	// a
	// Duration if it has months, nor a Period if it has hours
	private static final Map<String, JavaType> OWN = Map.ofEntries(
			Map.entry("int2", JavaType.wrapper(Short.class, "short")),
			Map.entry("int4", JavaType.wrapper(Integer.class, "int")),
			Map.entry("int8", JavaType.wrapper(Long.class, "long")),
			Map.entry("float4", JavaType.wrapper(Float.class, "float")),
			Map.entry("float8", JavaType.wrapper(Double.class, "double")),
			Map.entry("bool", JavaType.wrapper(Boolean.class, "boolean")),
			Map.entry("numeric", JavaType.of(BigDecimal.class)), Map.entry("uuid", JavaType.of(UUID.class)),
			Map.entry("date", JavaType.of(LocalDate.class)), Map.entry("time", JavaType.of(LocalTime.class)),
			Map.entry("timetz", JavaType.of(OffsetTime.class)),
			Map.entry("timestamp", JavaType.of(LocalDateTime.class)),
			// The offset would be that of whoever has written the row
			Map.entry("timestamptz", JavaType.of(Instant.class)), Map.entry("bytea", JavaType.BYTES),
			Map.entry("json", TREE), Map.entry("jsonb", TREE));

	private final Function<PgType, JavaType> enums;

	/**
	 * Create it.
	 * @param enums knows the types that are generated for enums
	 */
	JavaTypes(Function<PgType, JavaType> enums) {
		this.enums = enums;
	}

	JavaType of(PgType type) {
		PgType inner = type.inner();
		if (inner != null) {
			return (type.kind() == PgType.Kind.ARRAY) ? JavaType.listOf(of(inner)) : of(inner);
		}
		return switch (type.kind()) {
			case ENUM -> this.enums.apply(type);
			case JSON -> TREE;
			default -> OWN.getOrDefault(type.ownName(), TEXT);
		};
	}

}
