package io.pgconductor.autoconfigure;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for the configuration metadata that editors show.
 */
class ConfigurationMetadataTests {

	@Test
	void describesEveryProperty() throws IOException {
		Map<String, JsonNode> properties = properties();

		assertThat(properties).containsOnlyKeys("conductor.application", "conductor.enabled",
				"conductor.foreign-transaction", "conductor.max-fan-in-size", "conductor.max-payload-size",
				"conductor.migrate", "conductor.node-timeout", "conductor.notifications.enabled", "conductor.pool.size",
				"conductor.retention.completed", "conductor.retention.events", "conductor.retention.failed",
				"conductor.row-changes.install", "conductor.schedule.misfire-threshold", "conductor.schema",
				"conductor.shutdown-timeout", "conductor.tasks", "conductor.worker.default.concurrency",
				"conductor.worker.default.fetch-batch-size", "conductor.worker.default.flush-interval",
				"conductor.worker.default.poll-interval", "conductor.worker.enabled", "conductor.worker.queues",
				"conductor.worker.shared", "conductor.worker.virtual-threads", "management.health.conductor.enabled");
		assertThat(properties).allSatisfy((name, property) -> {
			assertThat(property.path("type").asString("")).isNotEmpty();
			assertThat(property.path("description").asString("")).endsWith(".");
		});
	}

	@Test
	void knowsDefaults() throws IOException {
		Map<String, JsonNode> properties = properties();

		assertThat(defaultValue(properties, "conductor.schema")).isEqualTo("conductor");
		assertThat(defaultValue(properties, "conductor.max-payload-size")).isEqualTo("1MB");
		assertThat(defaultValue(properties, "conductor.node-timeout")).isEqualTo("30s");
		assertThat(defaultValue(properties, "conductor.retention.completed")).isEqualTo("7d");
		assertThat(defaultValue(properties, "conductor.retention.failed")).isEqualTo("30d");
		assertThat(defaultValue(properties, "conductor.retention.events")).isEqualTo("7d");
		assertThat(defaultValue(properties, "conductor.schedule.misfire-threshold")).isEqualTo("30s");
		assertThat(defaultValue(properties, "conductor.worker.default.concurrency")).isEqualTo("10");
	}

	private static String defaultValue(Map<String, JsonNode> properties, String name) {
		return properties.get(name).path("defaultValue").asString();
	}

	private static Map<String, JsonNode> properties() throws IOException {
		String location = ConductorProperties.class.getProtectionDomain().getCodeSource().getLocation().toString();
		try (InputStream metadata = java.net.URI.create(location + "META-INF/spring-configuration-metadata.json")
			.toURL()
			.openStream()) {
			Map<String, JsonNode> properties = new TreeMap<>();
			StreamSupport.stream(JsonMapper.shared().readTree(metadata).path("properties").spliterator(), false)
				.forEach((property) -> properties.put(property.path("name").asString(), property));
			return properties;
		}
	}

}
