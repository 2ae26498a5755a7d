package io.pgconductor.autoconfigure;

import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;

import io.pgconductor.task.UnknownTaskOptionsException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

/**
 * Explains that options are given for a task that is not there, or options that are none.
 */
class UnknownOptionsFailureAnalyzer implements FailureAnalyzer {

	@Override
	public @Nullable FailureAnalysis analyze(Throwable failure) {
		for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
			if (cause instanceof UnknownTaskOptionsException ex) {
				return unknownTask(ex);
			}
			if (cause instanceof UnknownOptionException ex) {
				return unknownOption(ex);
			}
		}
		return null;
	}

	private static FailureAnalysis unknownTask(UnknownTaskOptionsException ex) {
		List<String> near = NearNames.of(ex.task(), ex.knownTasks());
		String description = "Options are given in " + ConductorOptions.taskProperty(ex.task())
				+ ".*, but this application has no task '" + ex.task() + "'. Its tasks are: " + list(ex.knownTasks())
				+ ".";
		String meant = near.isEmpty() ? ""
				: "Did you mean " + near.stream()
					.map((name) -> ConductorOptions.taskProperty(name) + ".*")
					.collect(Collectors.joining(" or ")) + "? ";
		return new FailureAnalysis(description, meant
				+ "Correct the task's name, or remove these options. A name with other characters than letters, digits "
				+ "and dashes is put in brackets: conductor.tasks.[user.created].queue.", ex);
	}

	private static FailureAnalysis unknownOption(UnknownOptionException ex) {
		if (!ex.suggestion().isEmpty()) {
			return new FailureAnalysis(
					"Property '" + ex.property() + "' sets nothing: a name with dots needs brackets.",
					"Write " + ex.suggestion() + " instead.", ex);
		}
		List<String> near = NearNames.of(ex.option(), ex.options());
		return new FailureAnalysis("Property '" + ex.property() + "' sets nothing.",
				(near.isEmpty() ? "" : "Did you mean " + String.join(" or ", near) + "? ") + "The options are: "
						+ list(ex.options()) + ".",
				ex);
	}

	private static String list(Collection<String> names) {
		return names.isEmpty() ? "(none)" : String.join(", ", new TreeSet<>(names));
	}

}
