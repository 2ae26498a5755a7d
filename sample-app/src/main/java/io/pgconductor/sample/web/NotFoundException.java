package io.pgconductor.sample.web;

import org.springframework.http.HttpStatus;
import org.springframework.web.ErrorResponseException;

/**
 * Something that a request asks for doesn't exist. Answered with 404 and the message.
 */
public final class NotFoundException extends ErrorResponseException {

	public NotFoundException(String message) {
		super(HttpStatus.NOT_FOUND);
		setDetail(message);
	}

}
