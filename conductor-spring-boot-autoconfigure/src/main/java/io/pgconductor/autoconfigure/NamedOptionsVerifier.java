package io.pgconductor.autoconfigure;

import java.beans.PropertyDescriptor;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.springframework.beans.BeanUtils;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.core.env.Environment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

/**
 * Finds properties below a map of named options that would be bound to nothing without a
 * word. A name with dots, written without brackets, looks like such a property.
 */
final class NamedOptionsVerifier {

	private final ConfigurationPropertyName prefix;

	private final Set<String> options;

	/**
	 * Create the verifier.
	 * @param prefix the map's property
	 * @param optionsType the type of the map's values
	 */
	NamedOptionsVerifier(String prefix, Class<?> optionsType) {
		this.prefix = ConfigurationPropertyName.of(prefix);
		this.options = optionNames(optionsType);
	}

	private static Set<String> optionNames(Class<?> type) {
		Set<String> names = new TreeSet<>();
		for (PropertyDescriptor property : BeanUtils.getPropertyDescriptors(type)) {
			Class<?> propertyType = property.getPropertyType();
			if (property.getWriteMethod() != null) {
				names.add(dashed(property.getName()));
			}
			else if (propertyType != null && type == propertyType.getEnclosingClass()) {
				optionNames(propertyType).forEach((name) -> names.add(dashed(property.getName()) + "." + name));
			}
		}
		return names;
	}

	private static String dashed(String name) {
		return name.replaceAll("(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
	}

	/**
	 * Look through all properties that can be listed.
	 * @param environment the environment
	 * @throws UnknownOptionException for the first one that fits no option
	 */
	void verify(Environment environment) {
		for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
			// A variable's name doesn't show where a property's name has dots or dashes
			if (source instanceof IterableConfigurationPropertySource iterable
					&& !(source.getUnderlyingSource() instanceof SystemEnvironmentPropertySource)) {
				iterable.stream().filter(this.prefix::isAncestorOf).forEach(this::verify);
			}
		}
	}

	private void verify(ConfigurationPropertyName property) {
		int keyIndex = this.prefix.getNumberOfElements();
		if (!isOption(property, keyIndex + 1)) {
			String option = elements(property, keyIndex + 1, property.getNumberOfElements(), Form.DASHED);
			throw new UnknownOptionException(property.toString(), option, suggestion(property, keyIndex), this.options);
		}
	}

	private boolean isOption(ConfigurationPropertyName property, int from) {
		String name = elements(property, from, property.getNumberOfElements(), Form.UNIFORM);
		return this.options.stream().anyMatch((option) -> option.replace("-", "").equals(name));
	}

	private String suggestion(ConfigurationPropertyName property, int keyIndex) {
		return IntStream.range(keyIndex + 2, property.getNumberOfElements())
			.filter((from) -> isOption(property, from))
			.mapToObj((from) -> this.prefix + ".[" + elements(property, keyIndex, from, Form.ORIGINAL) + "]."
					+ elements(property, from, property.getNumberOfElements(), Form.DASHED))
			.findFirst()
			.orElse("");
	}

	private static String elements(ConfigurationPropertyName name, int from, int to, Form form) {
		return IntStream.range(from, to)
			.mapToObj((index) -> name.getElement(index, form))
			.collect(Collectors.joining("."));
	}

}
