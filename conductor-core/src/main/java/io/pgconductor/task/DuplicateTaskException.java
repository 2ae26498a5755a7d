package io.pgconductor.task;

/**
 * Two tasks of a node have the same name.
 */
public class DuplicateTaskException extends InvalidTaskException {

	private final String task;

	private final String otherSource;

	DuplicateTaskException(String task, String otherSource, String source) {
		super("Task name '" + task + "' is declared by both " + otherSource + " and " + source + ": rename one of them",
				source, null);
		this.task = task;
		this.otherSource = otherSource;
	}

	public String task() {
		return this.task;
	}

	public String otherSource() {
		return this.otherSource;
	}

}
