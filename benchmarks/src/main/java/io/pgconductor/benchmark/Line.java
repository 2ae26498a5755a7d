package io.pgconductor.benchmark;

import java.util.ArrayList;
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
 * @param ratio the median of the ratios to that, round by round
 * @param target what the ratio, or the value where there is none, is to reach
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

	Line against(Line other) {
		return new Line(this.scenario, this.subject, this.value, this.unit, this.samples, other.subject, ratio(other),
				null, null);
	}

	Line against(Line other, Target target) {
		double quotient = ratio(other);
		return new Line(this.scenario, this.subject, this.value, this.unit, this.samples, other.subject, quotient,
				target.toString(), target.isMetBy(quotient));
	}

	// Runs of one round follow each other closely, so that what else goes on in the
	// machine hits both
	private double ratio(Line other) {
		if (this.samples.size() != other.samples.size()) {
			return this.value / other.value;
		}
		List<Double> ratios = new ArrayList<>();
		for (int round = 0; round < this.samples.size(); round++) {
			ratios.add(this.samples.get(round) / other.samples.get(round));
		}
		return median(ratios);
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
