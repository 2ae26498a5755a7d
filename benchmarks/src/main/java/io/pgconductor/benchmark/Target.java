package io.pgconductor.benchmark;

/**
 * What a number is to reach.
 *
 * @param bound the bound
 * @param atLeast whether it is the least; else the most
 */
record Target(double bound, boolean atLeast) {

	static Target atLeast(double bound) {
		return new Target(bound, true);
	}

	static Target atMost(double bound) {
		return new Target(bound, false);
	}

	boolean isMetBy(double value) {
		return this.atLeast ? value >= this.bound : value <= this.bound;
	}

	@Override
	public String toString() {
		return (this.atLeast ? ">= " : "<= ") + this.bound;
	}

}
