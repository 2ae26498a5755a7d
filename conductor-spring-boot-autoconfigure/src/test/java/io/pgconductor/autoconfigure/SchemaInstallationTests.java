package io.pgconductor.autoconfigure;

import java.time.Duration;

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

	private final Runnable installer = mock(Runnable.class);

	private final SchemaInstallation installation = new SchemaInstallation(this.installer);

	@AfterEach
	void stop() {
		this.installation.stop();
	}

	@Test
	void installsOnceIfTheDatabaseIsThere() {
		this.installation.start();

		assertThat(this.installation.isRunning()).isTrue();
		verify(this.installer).run();
	}

	@Test
	void triesAgainUntilTheDatabaseIsThere() {
		willThrow(new DataAccessResourceFailureException("down")).willDoNothing().given(this.installer).run();

		this.installation.start();

		verify(this.installer, timeout(Duration.ofSeconds(20).toMillis()).times(2)).run();
	}

	@Test
	void failsTheStartIfTheSchemaCannotBeUsed() {
		willThrow(new ConductorException("too new")).given(this.installer).run();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(this.installation::start);
		assertThat(this.installation.isRunning()).isFalse();
	}

	@Test
	void canBeStartedAgain() {
		willDoNothing().given(this.installer).run();

		this.installation.start();
		this.installation.start();
		this.installation.stop();
		this.installation.start();

		verify(this.installer, times(2)).run();
	}

}
