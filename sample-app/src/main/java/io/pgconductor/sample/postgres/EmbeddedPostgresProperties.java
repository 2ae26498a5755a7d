package io.pgconductor.sample.postgres;

import java.nio.file.Path;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Options of the embedded PostgreSQL.
 *
 * @param directory where its data is kept, relative to the working directory
 */
@ConfigurationProperties("shop.postgres")
record EmbeddedPostgresProperties(@DefaultValue("data/postgres") Path directory) {
}
