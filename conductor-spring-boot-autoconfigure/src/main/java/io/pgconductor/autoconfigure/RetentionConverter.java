package io.pgconductor.autoconfigure;

import java.time.Duration;

import io.pgconductor.task.Retention;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.core.convert.converter.Converter;

/**
 * Reads a {@link Retention}: a duration, {@code 0} or {@code never}.
 */
final class RetentionConverter implements Converter<String, Retention> {

	@Override
	public Retention convert(String source) {
		String text = source.strip();
		if (text.equalsIgnoreCase("never")) {
			return Retention.NEVER;
		}
		if (text.equals("0")) {
			return Retention.AT_ONCE;
		}
		// Thirty milliseconds is not what "30" is meant to say
		if (text.chars().allMatch(Character::isDigit)) {
			throw new IllegalArgumentException(invalid(source));
		}
		try {
			Duration duration = DurationStyle.detectAndParse(text);
			return duration.isZero() ? Retention.AT_ONCE : Retention.of(duration);
		}
		catch (IllegalArgumentException ex) {
			throw new IllegalArgumentException(invalid(source), ex);
		}
	}

	private static String invalid(String source) {
		return "'" + source + "' does not say how long to keep: use a duration with its unit such as 7d or 12h, "
				+ "0 to delete at once, or never";
	}

}
