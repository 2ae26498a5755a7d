package io.pgconductor.autoconfigure;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * Explains that Conductor needs a data source. Comes before Spring Boot's own analysis of
 * one that is not configured, which advises an embedded database.
 */
@Order(0)
class NoDataSourceFailureAnalyzer implements FailureAnalyzer {

	// Not public
	private static final String UNCONFIGURED = "org.springframework.boot.jdbc.autoconfigure.DataSourceProperties"
			+ "$DataSourceBeanCreationException";

	private final Environment environment;

	NoDataSourceFailureAnalyzer(Environment environment) {
		this.environment = environment;
	}

	@Override
	public @Nullable FailureAnalysis analyze(Throwable failure) {
		if (!this.environment.getProperty("conductor.enabled", Boolean.class, Boolean.TRUE)) {
			return null;
		}
		for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
			if (cause instanceof NoConductorDataSourceException ex) {
				return ex.candidates().isEmpty() ? missing(ex, "it has none") : ambiguous(ex);
			}
			if (cause.getClass().getName().equals(UNCONFIGURED)) {
				return missing(cause, "it cannot be configured: " + cause.getMessage());
			}
		}
		return null;
	}

	private static FailureAnalysis missing(Throwable cause, String why) {
		return new FailureAnalysis(
				"Conductor needs the application to have a DataSource on PostgreSQL, but " + why + ".",
				"""
						Make sure that org.springframework.boot:spring-boot-starter-jdbc is a dependency (it comes with \
						conductor-spring-boot-starter), and say where the database is, for instance:

						    spring.datasource.url=jdbc:postgresql://localhost:5432/postgres
						    spring.datasource.username=postgres
						    spring.datasource.password=secret

						If these are the properties of a profile, activate it. To start without Conductor, set \
						conductor.enabled=false.""",
				cause);
	}

	private static FailureAnalysis ambiguous(NoConductorDataSourceException ex) {
		return new FailureAnalysis(
				"Conductor needs one DataSource, but the application has several and none of them is primary: "
						+ String.join(", ", ex.candidates()) + ".",
				"Put @ConductorDataSource on the bean method of the one that Conductor should work on, or make it the "
						+ "primary one with @Primary.",
				ex);
	}

}
