package io.pgconductor.autoconfigure.health;

import io.pgconductor.Conductor;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * {@link HealthIndicator} for an application that runs no tasks: it is up if the database
 * can be reached and has the schema.
 *
 * @since 0.1.0
 */
public class ConductorClientHealthIndicator extends AbstractHealthIndicator {

	private final Conductor conductor;

	/**
	 * Create the indicator.
	 * @param conductor knows the schema
	 */
	public ConductorClientHealthIndicator(Conductor conductor) {
		super("Conductor health check failed");
		this.conductor = conductor;
	}

	@Override
	protected void doHealthCheck(Health.Builder builder) {
		builder.withDetail("state", "CLIENT");
		try {
			this.conductor.ensureInstalled();
			builder.up().withDetail("installed", true);
		}
		catch (RuntimeException ex) {
			builder.down().withDetail("lastError", String.valueOf(ex.getMessage()));
		}
	}

}
