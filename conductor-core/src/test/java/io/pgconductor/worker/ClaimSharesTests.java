package io.pgconductor.worker;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ClaimSharesTests {

	@Test
	void limitedTasksGetAllWithoutOthers() {
		ClaimShares shares = new ClaimShares(false);

		shares.claimed(0, 0);

		assertThat(shares.gated(100)).isEqualTo(100);
		assertThat(shares.gated(1)).isEqualTo(1);
	}

	@Test
	void leavesOnePlaceToFindOthers() {
		ClaimShares shares = new ClaimShares(true);

		assertThat(shares.gated(100)).isEqualTo(99);
		shares.claimed(1, 0);
		assertThat(shares.gated(100)).isEqualTo(99);
	}

	@Test
	void sharesWhileThereAreMoreOthersThanRoom() {
		ClaimShares shares = new ClaimShares(true);

		shares.claimed(1, 1);
		assertThat(shares.gated(100)).isEqualTo(50);
		shares.claimed(50, 49);
		assertThat(shares.gated(100)).isEqualTo(99);
	}

	@Test
	void takesTurnsForASinglePlace() {
		ClaimShares shares = new ClaimShares(true);

		assertThat(shares.gated(1) + shares.gated(1)).isEqualTo(1);
		assertThat(shares.gated(1) + shares.gated(1)).isEqualTo(1);
	}

}
