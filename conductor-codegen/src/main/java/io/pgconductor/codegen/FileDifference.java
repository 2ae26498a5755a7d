package io.pgconductor.codegen;

import java.nio.file.Path;

/**
 * A file that is not as it should be.
 *
 * @param path the file
 * @param kind what is wrong with it
 */
record FileDifference(Path path, Kind kind) {

	/**
	 * Say what is wrong.
	 * @return a line
	 */
	String finding() {
		return this.kind.finding + ": " + this.path;
	}

	/**
	 * Say what has been done about it.
	 * @return a line
	 */
	String change() {
		return this.kind.change + ": " + this.path;
	}

	/**
	 * What may be wrong.
	 */
	enum Kind {

		/**
		 * There is no such file.
		 */
		MISSING("missing", "created"),

		/**
		 * It has been generated, but from another schema.
		 */
		DIFFERENT("differs", "changed"),

		/**
		 * It has been generated for what is not there any more.
		 */
		LEFT_OVER("left over", "deleted"),

		/**
		 * Somebody has written it.
		 */
		FOREIGN("in the way, not generated", "left alone");

		private final String finding;

		private final String change;

		Kind(String finding, String change) {
			this.finding = finding;
			this.change = change;
		}

	}

}
