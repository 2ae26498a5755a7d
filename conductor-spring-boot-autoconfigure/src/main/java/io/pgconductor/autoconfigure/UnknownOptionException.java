package io.pgconductor.autoconfigure;

import java.util.Set;

import io.pgconductor.ConductorException;

/**
 * A property below a map of named options fits none of them.
 */
class UnknownOptionException extends ConductorException {

	private final String property;

	private final String option;

	private final String suggestion;

	private final Set<String> options;

	UnknownOptionException(String property, String option, String suggestion, Set<String> options) {
		super("Property '" + property + "' has no meaning"
				+ (suggestion.isEmpty() ? "; the options are " + options : "; write '" + suggestion + "'"));
		this.property = property;
		this.option = option;
		this.suggestion = suggestion;
		this.options = Set.copyOf(options);
	}

	/**
	 * Return the property's name.
	 * @return the name
	 */
	String property() {
		return this.property;
	}

	/**
	 * Return the part of the property's name that is no option.
	 * @return the name's end
	 */
	String option() {
		return this.option;
	}

	/**
	 * Return what the property's name was probably meant to be.
	 * @return a name with brackets, empty if there is none
	 */
	String suggestion() {
		return this.suggestion;
	}

	/**
	 * Return the options that there are.
	 * @return their names
	 */
	Set<String> options() {
		return this.options;
	}

}
