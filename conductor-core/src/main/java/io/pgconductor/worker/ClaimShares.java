package io.pgconductor.worker;

/**
 * Shares a worker's room between what limits let through and what nothing limits: while
 * there is more of the latter than there is room for, each gets half. Used by the
 * claiming thread.
 */
final class ClaimShares {

	private final boolean others;

	private boolean moreOfOthers;

	private boolean oddOneForOthers;

	/**
	 * Create it.
	 * @param others whether there is anything that nothing limits
	 */
	ClaimShares(boolean others) {
		this.others = others;
	}

	/**
	 * Return the room for what limits let through.
	 * @param room all the room
	 * @return its share
	 */
	int gated(int room) {
		if (!this.others) {
			return room;
		}
		if (!this.moreOfOthers && room > 1) {
			// One place tells whether there is more
			return room - 1;
		}
		this.oddOneForOthers = !this.oddOneForOthers;
		return (room + (this.oddOneForOthers ? 0 : 1)) / 2;
	}

	/**
	 * Note what was claimed of what nothing limits.
	 * @param room what there was for it
	 * @param claimed how many were claimed
	 */
	void claimed(int room, int claimed) {
		this.moreOfOthers = claimed > 0 && claimed >= room;
	}

}
