package io.pgconductor.sample.web;

import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.TypeMismatchException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.exc.MismatchedInputException;

/**
 * Answers what cannot be done with a problem detail (RFC 9457) that names each offending
 * field.
 */
@RestControllerAdvice
class ProblemDetailsAdvice extends ResponseEntityExceptionHandler {

	@Override
	protected @Nullable ResponseEntity<Object> handleMethodArgumentNotValid(MethodArgumentNotValidException ex,
			HttpHeaders headers, HttpStatusCode status, WebRequest request) {
		List<FieldProblem> errors = ex.getFieldErrors()
			.stream()
			.map((error) -> new FieldProblem(error.getField(), String.valueOf(error.getDefaultMessage())))
			.sorted(Comparator.comparing(FieldProblem::field).thenComparing(FieldProblem::message))
			.toList();
		return answer(ex, errors, headers, request);
	}

	@Override
	protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(HttpMessageNotReadableException ex,
			HttpHeaders headers, HttpStatusCode status, WebRequest request) {
		return answer(ex, List.of(describe(ex.getCause())), headers, request);
	}

	private static FieldProblem describe(@Nullable Throwable cause) {
		if (cause instanceof InputCoercionException tooLarge) {
			return new FieldProblem(pathOf(tooLarge), "must be a whole number of reasonable size");
		}
		if (cause instanceof MismatchedInputException mismatch && mismatch.getPath().isEmpty()) {
			return new FieldProblem("body", "must be a JSON object");
		}
		if (cause instanceof MismatchedInputException mismatch) {
			boolean number = Integer.class.equals(mismatch.getTargetType());
			return new FieldProblem(pathOf(mismatch), number ? "must be a whole number" : "must be a string");
		}
		return new FieldProblem("body", "must be valid JSON");
	}

	private static String pathOf(JacksonException ex) {
		return ex.getPath()
			.stream()
			.map((reference) -> String.valueOf(reference.getPropertyName()))
			.collect(Collectors.joining("."));
	}

	@Override
	protected @Nullable ResponseEntity<Object> handleTypeMismatch(TypeMismatchException ex, HttpHeaders headers,
			HttpStatusCode status, WebRequest request) {
		String name = (ex instanceof MethodArgumentTypeMismatchException argument) ? argument.getName()
				: String.valueOf(ex.getPropertyName());
		String message = (ex.getRequiredType() == UUID.class) ? "must be a UUID" : "must be a whole number";
		return answer(ex, List.of(new FieldProblem(name, message)), headers, request);
	}

	private @Nullable ResponseEntity<Object> answer(Exception ex, List<FieldProblem> errors, HttpHeaders headers,
			WebRequest request) {
		ProblemDetail problem = ProblemDetail.forStatusAndDetail(HttpStatus.BAD_REQUEST,
				errors.stream()
					.map((error) -> error.field() + " " + error.message())
					.collect(Collectors.joining(", ", "", ".")));
		problem.setProperty("errors", errors);
		return handleExceptionInternal(ex, problem, headers, HttpStatus.BAD_REQUEST, request);
	}

	/**
	 * What is wrong with one field of a request.
	 *
	 * @param field the field's name
	 * @param message what is wrong with it
	 */
	record FieldProblem(String field, String message) {
	}

}
