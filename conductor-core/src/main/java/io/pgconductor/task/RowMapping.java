package io.pgconductor.task;

import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.TreeNode;
import tools.jackson.databind.AnnotationIntrospector;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyName;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.introspect.AnnotatedClass;
import tools.jackson.databind.introspect.AnnotatedMember;
import tools.jackson.databind.introspect.BeanPropertyDefinition;
import tools.jackson.databind.introspect.ClassIntrospector;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.NameTransformer;

/**
 * Reads the rows of tables, which are JSON objects of their columns. Thread-safe.
 */
final class RowMapping {

	private final JsonMapper mapper;

	private final Map<JavaType, Properties> properties = new ConcurrentHashMap<>();

	/**
	 * Create a mapping.
	 * @param mapper what JSON is read with otherwise
	 */
	RowMapping(JsonMapper mapper) {
		// A numeric is exact, however the other one may have been customized
		this.mapper = mapper.rebuild()
			.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
			.disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
			.addModule(new PostgresForms())
			.build();
	}

	JavaType type(Type type) {
		return this.mapper.constructType(type);
	}

	JsonNode readTree(String json) {
		return this.mapper.readTree(json);
	}

	/**
	 * Read a row.
	 * @param row its columns
	 * @param type the type to read it as
	 * @return the row
	 * @throws tools.jackson.core.JacksonException if it doesn't fit the type
	 */
	@Nullable Object read(JsonNode row, JavaType type) {
		return readAsIs(rename(row, type), type);
	}

	/**
	 * Read a value whose names are those of the type.
	 * @param value the value
	 * @param type the type to read it as
	 * @return the value
	 * @throws tools.jackson.core.JacksonException if it doesn't fit the type
	 */
	@Nullable Object readAsIs(JsonNode value, JavaType type) {
		return this.mapper.readerFor(type).readValue(value);
	}

	/**
	 * Give columns the names that the properties of a type have in JSON. What is inside
	 * of columns stays as it is.
	 * @param row the columns
	 * @param type the type
	 * @return the renamed columns; those that the type has no property for are the last
	 */
	JsonNode rename(JsonNode row, JavaType type) {
		if (!(row instanceof ObjectNode columns)) {
			return row;
		}
		ObjectNode renamed = columns.objectNode();
		Set<String> used = new HashSet<>();
		for (Property property : propertiesOf(type).all()) {
			String column = property.columns().stream().filter(columns::has).findFirst().orElse(null);
			if (column != null) {
				renamed.set(property.jsonName(), columns.get(column));
				used.add(column);
			}
		}
		columns.properties().forEach((member) -> {
			if (!used.contains(member.getKey())) {
				renamed.putIfAbsent(member.getKey(), member.getValue());
			}
		});
		return renamed;
	}

	/**
	 * Return what a type wants of a row.
	 * @param type the type
	 * @return its properties; {@code null} if it takes whatever there is
	 */
	@Nullable List<RowProperty> properties(Type type) {
		Properties found = propertiesOf(type(type));
		return found.open() ? null
				: found.all()
					.stream()
					.map((property) -> new RowProperty(property.javaName(), property.columns()))
					.toList();
	}

	/**
	 * Return a path by the names that properties have in JSON.
	 * @param path by the names they have there, or in Java
	 * @param type the type that it begins at
	 * @return the path; names of what is not known are left as they are
	 * @throws IllegalArgumentException if there is no such property
	 */
	PayloadPath resolve(PayloadPath path, Type type) {
		List<String> names = new ArrayList<>();
		JavaType current = type(type);
		for (String name : path.names()) {
			Property property = (current != null) ? property(current, name) : null;
			names.add((property != null) ? property.jsonName() : name);
			current = (property != null) ? property.type() : null;
		}
		return new PayloadPath(names);
	}

	private @Nullable Property property(JavaType type, String name) {
		Properties known = propertiesOf(type);
		if (known.open()) {
			if (isValue(type)) {
				throw new IllegalArgumentException(type.toCanonical() + " has no property '" + name + "'");
			}
			return null;
		}
		return known.all()
			.stream()
			.filter((property) -> property.jsonName().equals(name) || property.javaName().equals(name))
			.findFirst()
			.orElseThrow(() -> new IllegalArgumentException(type.toCanonical() + " has no property '" + name + "', but "
					+ known.all().stream().map(Property::jsonName).collect(Collectors.joining(", "))));
	}

	private static boolean isValue(JavaType type) {
		return hasNoProperties(type) && !type.isMapLikeType() && type.getRawClass() != Object.class
				&& !TreeNode.class.isAssignableFrom(type.getRawClass());
	}

	/**
	 * Return the name that a column has whose property has some name.
	 * @param javaName the property's name in Java
	 * @return the name in snake_case
	 */
	static String snakeCase(String javaName) {
		return javaName.replaceAll("(\\p{Ll}|\\d)(\\p{Lu})", "$1_$2")
			.replaceAll("(\\p{Lu})(\\p{Lu}\\p{Ll})", "$1_$2")
			.toLowerCase(Locale.ROOT);
	}

	private Properties propertiesOf(JavaType type) {
		JavaType row = type;
		while (row.isReferenceType()) {
			row = row.getReferencedType();
		}
		Properties known = this.properties.get(row);
		if (known == null) {
			// Not computed by the map: a type that is unwrapped is looked up meanwhile
			known = find(row);
			this.properties.put(row, known);
		}
		return known;
	}

	private Properties find(JavaType type) {
		try {
			return hasNoProperties(type) ? Properties.NONE : introspect(type);
		}
		catch (IllegalArgumentException ex) {
			// Nothing can be read as such a type: who tries is told why
			return Properties.NONE;
		}
	}

	private Properties introspect(JavaType type) {
		DeserializationConfig config = this.mapper.deserializationConfig();
		AnnotationIntrospector annotations = config.getAnnotationIntrospector();
		ClassIntrospector introspector = config.classIntrospectorInstance();
		AnnotatedClass annotated = introspector.introspectClassAnnotations(type);
		if (annotations.findDeserializer(config, annotated) != null
				|| annotations.findPolymorphicTypeInfo(config, annotated) != null) {
			// What it makes of a row is its own affair
			return Properties.NONE;
		}
		JavaType refined = annotations.refineDeserializationType(config, annotated, type);
		if (!refined.equals(type)) {
			return find(refined);
		}
		BeanDescription bean = introspector.introspectForDeserialization(type, annotated);
		Class<?> builder = annotations.findPOJOBuilder(config, annotated);
		if (builder != null) {
			bean = introspector.introspectForDeserializationWithBuilder(config.constructType(builder), bean);
		}
		List<BeanPropertyDefinition> properties = bean.findProperties();
		Predicate<String> read = namesRead(bean, config);
		List<Property> all = new ArrayList<>();
		boolean open = bean.findAnySetterAccessor() != null;
		for (BeanPropertyDefinition property : properties) {
			AnnotatedMember member = property.getMutator();
			if (member == null || !read.test(property.getName())) {
				continue;
			}
			NameTransformer unwrapped = annotations.findUnwrappingNameTransformer(config, member);
			if (unwrapped == null) {
				all.add(Property.of(property));
			}
			else {
				Properties parts = propertiesOf(property.getPrimaryType());
				parts.all().forEach((part) -> all.add(part.transform(unwrapped)));
				open |= parts.open();
			}
		}
		return new Properties(List.copyOf(all), open || all.isEmpty());
	}

	private static Predicate<String> namesRead(BeanDescription bean, DeserializationConfig config) {
		// Known once the properties are. A record's component is one even if it is
		// ignored
		Set<String> ignored = new HashSet<>(bean.getIgnoredPropertyNames());
		ignored.addAll(config.getDefaultPropertyIgnorals(bean.getBeanClass(), bean.getClassInfo())
			.findIgnoredForDeserialization());
		Set<String> included = config.getDefaultPropertyInclusions(bean.getBeanClass(), bean.getClassInfo())
			.getIncluded();
		return (name) -> !ignored.contains(name) && (included == null || included.contains(name));
	}

	private static boolean hasNoProperties(JavaType type) {
		return type.isContainerType() || type.isPrimitive() || type.isEnumType()
				|| TreeNode.class.isAssignableFrom(type.getRawClass())
				|| type.getRawClass().getName().startsWith("java.");
	}

	/**
	 * What is known of a type.
	 *
	 * @param all its properties
	 * @param open whether it takes other columns, too
	 */
	private record Properties(List<Property> all, boolean open) {

		private static final Properties NONE = new Properties(List.of(), true);

	}

	/**
	 * A property.
	 *
	 * @param javaName its name in Java
	 * @param jsonName its name in JSON
	 * @param columns what it is read from, the best first
	 * @param type its type
	 */
	private record Property(String javaName, String jsonName, List<String> columns, JavaType type) {

		static Property of(BeanPropertyDefinition property) {
			String javaName = property.getInternalName();
			Set<String> columns = new LinkedHashSet<>();
			columns.add(javaName);
			columns.add(property.getName());
			property.findAliases().stream().map(PropertyName::getSimpleName).forEach(columns::add);
			columns.add(snakeCase(javaName));
			return new Property(javaName, property.getName(), List.copyOf(columns), property.getPrimaryType());
		}

		Property transform(NameTransformer transformer) {
			return new Property(this.javaName, transformer.transform(this.jsonName),
					this.columns.stream().map(transformer::transform).toList(), this.type);
		}

	}

}
