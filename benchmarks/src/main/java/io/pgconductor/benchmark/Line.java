package io.pgconductor.benchmark;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * One result.
 *
 * @param scenario which scenario it comes from
 * @param subject what was measured
 * @param value the median of the samples
 * @param unit the value's unit
 * @param samples what was measured in each round
 * @param against what it is compared with
 * @param ratio the ratio to that, or the value where the target is for the value itself
 * @param target what the ratio is to reach
 * @param met whether it does
 */
record Line(String scenario, String subject, double value, String unit, List<Double> samples, @Nullable String against,
		@Nullable Double ratio, @Nullable String target, @Nullable Boolean met) {

	static Line of(String scenario, String subject, List<Double> samples, String unit) {
		return new Line(scenario, subject, median(samples), unit, samples, null, null, null, null);
	}

	static Line of(String scenario, String subject, double value, String unit) {
		return of(scenario, subject, List.of(value), unit);
	}

	Line against(Line other, Target target) {
		double quotient = this.value / other.value;
		return new Line(this.scenario, this.subject, this.value, this.unit, this.samples, other.subject, quotient,
				target.toString(), target.isMetBy(quotient));
	}

	Line toReach(Target target) {
		return new Line(this.scenario, this.subject, this.value, this.unit, this.samples, null, null, target.toString(),
				target.isMetBy(this.value));
	}

	private static double median(List<Double> samples) {
		double[] sorted = samples.stream().mapToDouble(Double::doubleValue).sorted().toArray();
		int middle = sorted.length / 2;
		return (sorted.length % 2 == 1) ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	}

}
