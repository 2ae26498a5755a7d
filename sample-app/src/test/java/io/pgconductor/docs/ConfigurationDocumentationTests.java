package io.pgconductor.docs;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

import com.example.DocumentationPage;
import io.pgconductor.autoconfigure.ConductorProperties;
import io.pgconductor.task.Retention;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.convert.ApplicationConversionService;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.convert.ConversionService;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.ByteArrayResource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

class ConfigurationDocumentationTests {

	private static final String METADATA = "META-INF/spring-configuration-metadata.json";

	@Test
	void explainsEveryProperty() throws IOException {
		String documentation = Files.readString(Path.of("../docs/configuration.md"));

		assertThat(properties()).isNotEmpty()
			.allSatisfy((property) -> assertThat(documentation).containsPattern("`" + property + "[.`]"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "time-windows", "schema", "row-changes", "flow-control", "concurrency", "rate-limits",
			"batches", "retention", "workers" })
	void showsYamlThatIsUnderstood(String page) throws IOException {
		for (String block : DocumentationPage.blocks(page, "yaml")) {
			StandardEnvironment environment = new StandardEnvironment();
			new YamlPropertySourceLoader().load(page, new ByteArrayResource(block.getBytes(StandardCharsets.UTF_8)))
				.forEach(environment.getPropertySources()::addFirst);
			assertThat(new Binder(ConfigurationPropertySources.get(environment), null, conversionService())
				.bind("conductor", Bindable.of(ConductorProperties.class),
						new NoUnboundElementsBindHandler(BindHandler.DEFAULT))
				.isBound()).isTrue();
		}
	}

	private static ConversionService conversionService() {
		ApplicationConversionService conversionService = new ApplicationConversionService();
		// What it accepts is tested where it is
		conversionService.addConverter(String.class, Retention.class, (text) -> Retention.NEVER);
		return conversionService;
	}

	private static Set<String> properties() throws IOException {
		Set<String> names = new TreeSet<>();
		ClassLoader classLoader = ConfigurationDocumentationTests.class.getClassLoader();
		for (URL url : Collections.list(classLoader.getResources(METADATA))) {
			try (InputStream content = url.openStream()) {
				for (JsonNode property : JsonMapper.shared().readTree(content).get("properties")) {
					names.add(property.get("name").stringValue());
				}
			}
		}
		names.removeIf((name) -> !name.startsWith("conductor."));
		return names;
	}

}
