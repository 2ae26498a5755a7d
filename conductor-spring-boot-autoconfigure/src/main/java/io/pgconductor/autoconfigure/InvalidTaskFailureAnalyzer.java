package io.pgconductor.autoconfigure;

import io.pgconductor.task.DuplicateTaskException;
import io.pgconductor.task.InvalidTaskException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/**
 * Explains why a method cannot be a task.
 */
class InvalidTaskFailureAnalyzer extends AbstractFailureAnalyzer<InvalidTaskException> {

	@Override
	protected FailureAnalysis analyze(Throwable rootFailure, InvalidTaskException cause) {
		return new FailureAnalysis(String.valueOf(cause.getMessage()), action(cause), cause);
	}

	private static String action(InvalidTaskException cause) {
		if (cause instanceof DuplicateTaskException duplicate) {
			return "Give " + duplicate.source() + " or " + duplicate.otherSource()
					+ " another name, as in @Task(name = \"other-name\"). If '" + duplicate.task()
					+ "' is the former name of one of them, remove it from the aliases of the other.";
		}
		return "Change " + cause.source() + " as described.";
	}

}
