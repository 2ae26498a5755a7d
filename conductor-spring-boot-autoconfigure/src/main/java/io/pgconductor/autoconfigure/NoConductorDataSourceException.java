package io.pgconductor.autoconfigure;

import java.util.List;

import io.pgconductor.ConductorException;

/**
 * Conductor found no data source to work on, or too many of them.
 */
class NoConductorDataSourceException extends ConductorException {

	private final List<String> candidates;

	NoConductorDataSourceException(List<String> candidates) {
		super(candidates.isEmpty() ? "Conductor needs a DataSource, and the application has none"
				: "Conductor needs one DataSource, and the application has " + candidates
						+ ", none of which is primary");
		this.candidates = List.copyOf(candidates);
	}

	/**
	 * Return the data sources that Conductor cannot choose from.
	 * @return the names of the beans, empty if there is none
	 */
	List<String> candidates() {
		return this.candidates;
	}

}
