package io.pgconductor.autoconfigure;

import java.util.Map;

import io.pgconductor.autoconfigure.ConductorProperties.Task;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

/**
 * Tests for {@link NamedOptionsVerifier}.
 */
class NamedOptionsVerifierTests {

	private final NamedOptionsVerifier verifier = new NamedOptionsVerifier("conductor.tasks", Task.class);

	@ParameterizedTest
	@ValueSource(strings = { "conductor.tasks.send-email.queue", "conductor.tasks.sendEmail.maxAttempts",
			"conductor.tasks.send-email.retry.initial", "conductor.tasks.send-email.remove-on-complete",
			"conductor.tasks[user.created].enabled", "conductor.tasks.[user.created].retry.max",
			"conductor.taskss.send-email.quue", "other.tasks.a.b.c" })
	void acceptsOptions(String property) {
		assertThatNoException().isThrownBy(() -> this.verifier.verify(environment(property)));
	}

	@ParameterizedTest
	@CsvSource({ "conductor.tasks.user.created.queue, conductor.tasks.[user.created].queue",
			"conductor.tasks.a.b.c.max-attempts, conductor.tasks.[a.b.c].max-attempts",
			"conductor.tasks.user.created.retry.initial, conductor.tasks.[user.created].retry.initial" })
	void suggestsBracketsForANameWithDots(String property, String suggestion) {
		assertThatExceptionOfType(UnknownOptionException.class)
			.isThrownBy(() -> this.verifier.verify(environment(property)))
			.withMessageContaining("'" + property + "'")
			.withMessageContaining("'" + suggestion + "'");
	}

	@ParameterizedTest
	@ValueSource(strings = { "conductor.tasks.send-email.quue", "conductor.tasks.send-email",
			"conductor.tasks.send-email.retry", "conductor.tasks.send-email.retry.first" })
	void refusesWhatIsNoOption(String property) {
		assertThatExceptionOfType(UnknownOptionException.class)
			.isThrownBy(() -> this.verifier.verify(environment(property)))
			.withMessageContaining("'" + property + "'")
			.withMessageContaining("max-attempts");
	}

	@Test
	void leavesEnvironmentVariablesAlone() {
		StandardEnvironment environment = new StandardEnvironment();
		environment.getPropertySources()
			.addFirst(new SystemEnvironmentPropertySource(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME,
					Map.of("CONDUCTOR_TASKS_USER_CREATED_QUEUE", "mail")));

		assertThatNoException().isThrownBy(() -> this.verifier.verify(environment));
	}

	private static StandardEnvironment environment(String property) {
		StandardEnvironment environment = new StandardEnvironment();
		environment.getPropertySources().addFirst(new MapPropertySource("test", Map.of(property, "1")));
		return environment;
	}

}
