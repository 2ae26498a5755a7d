package io.pgconductor.autoconfigure;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link NearNames}.
 */
class NearNamesTests {

	@Test
	void findsMisspelledAndMangledNames() {
		assertThat(NearNames.of("send-emial", List.of("send-email", "send-sms", "other")))
			.containsExactly("send-email");
		assertThat(NearNames.of("user", List.of("user.created", "order.created"))).containsExactly("user.created");
		assertThat(NearNames.of("usercreated", List.of("user_created"))).containsExactly("user_created");
	}

	@Test
	void findsNothingWhereNothingIsNear() {
		assertThat(NearNames.of("a", List.of("send-email"))).isEmpty();
	}

}
