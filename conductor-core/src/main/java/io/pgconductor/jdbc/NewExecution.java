package io.pgconductor.jdbc;

import java.util.UUID;

import io.pgconductor.InvokeOptions;
import io.pgconductor.OnDuplicate;
import org.jspecify.annotations.Nullable;

/**
 * An execution to enqueue.
 *
 * @param id its id
 * @param payload its payload as JSON
 * @param headers its headers as JSON, {@code null} if there are none
 * @param options what differs from its task's own options
 */
public record NewExecution(UUID id, @Nullable String payload, @Nullable String headers, InvokeOptions options) {

	/**
	 * Return what happens if its key belongs to another execution already.
	 * @return the rule's name in the database; {@code null}: it has no key
	 */
	@Nullable String keyRule() {
		if (this.options.throttle() != null) {
			return "throttle";
		}
		if (this.options.debounce() != null) {
			return "debounce";
		}
		if (this.options.dedupeKey() == null) {
			return null;
		}
		return (this.options.onDuplicate() == OnDuplicate.REPLACE) ? "replace" : "keep";
	}

}
