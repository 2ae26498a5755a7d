package io.pgconductor.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.util.LinkedHashMap;
import java.util.Map;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

/**
 * An embedded PostgreSQL with the durability of a real one.
 */
final class BenchmarkServer implements AutoCloseable {

	// The binaries are started with fsync and synchronous_commit off
	private static final Map<String, String> SETTINGS = settings();

	private final EmbeddedPostgres server;

	BenchmarkServer() {
		EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
			.setLocaleConfig("locale", "C")
			.setOutputRedirector(Redirect.DISCARD)
			.setErrorRedirector(Redirect.DISCARD);
		SETTINGS.forEach(builder::setServerConfig);
		try {
			this.server = builder.start();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private static Map<String, String> settings() {
		Map<String, String> settings = new LinkedHashMap<>();
		settings.put("fsync", "on");
		settings.put("synchronous_commit", "on");
		settings.put("full_page_writes", "on");
		settings.put("shared_buffers", "1GB");
		settings.put("effective_cache_size", "4GB");
		settings.put("max_wal_size", "8GB");
		settings.put("checkpoint_timeout", "15min");
		settings.put("wal_compression", "off");
		settings.put("random_page_cost", "1.1");
		settings.put("autovacuum", "on");
		settings.put("max_connections", "100");
		settings.put("shared_preload_libraries", "pg_stat_statements");
		return settings;
	}

	Iterable<String> settingNames() {
		return SETTINGS.keySet();
	}

	String jdbcUrl() {
		return "jdbc:postgresql://localhost:" + this.server.getPort() + "/postgres?user=postgres";
	}

	@Override
	public void close() {
		try {
			this.server.close();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
