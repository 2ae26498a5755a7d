package io.pgconductor.autoconfigure;

import java.time.Duration;

import io.pgconductor.Conductor;
import io.pgconductor.ConductorException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessResourceFailureException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.mockito.BDDMockito.willDoNothing;
import static org.mockito.BDDMockito.willThrow;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;

/**
 * Tests for {@link SchemaInstallation}.
 */
class SchemaInstallationTests {

	private final Conductor conductor = mock(Conductor.class);

	private final SchemaInstallation installation = new SchemaInstallation(this.conductor);

	@AfterEach
	void stop() {
		this.installation.stop();
	}

	@Test
	void installsOnceIfTheDatabaseIsThere() {
		this.installation.start();

		assertThat(this.installation.isRunning()).isTrue();
		verify(this.conductor).ensureInstalled();
	}

	@Test
	void triesAgainUntilTheDatabaseIsThere() {
		willThrow(new DataAccessResourceFailureException("down")).willDoNothing()
			.given(this.conductor)
			.ensureInstalled();

		this.installation.start();

		verify(this.conductor, timeout(Duration.ofSeconds(20).toMillis()).times(2)).ensureInstalled();
	}

	@Test
	void failsTheStartIfTheSchemaCannotBeUsed() {
		willThrow(new ConductorException("too new")).given(this.conductor).ensureInstalled();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(this.installation::start);
		assertThat(this.installation.isRunning()).isFalse();
	}

	@Test
	void canBeStartedAgain() {
		willDoNothing().given(this.conductor).ensureInstalled();

		this.installation.start();
		this.installation.start();
		this.installation.stop();
		this.installation.start();

		verify(this.conductor, times(2)).ensureInstalled();
	}

}
