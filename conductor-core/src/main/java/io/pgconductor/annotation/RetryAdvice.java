package io.pgconductor.annotation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;

/**
 * What a {@code @Retryable} on a method, or else on its class, repeats.
 *
 * @param kind whose annotation it is
 * @param includes the exceptions it repeats, with their subtypes
 * @param excludes the exceptions it doesn't repeat, with their subtypes
 */
record RetryAdvice(Kind kind, List<Class<?>> includes, List<Class<?>> excludes) {

	/**
	 * Whose annotation it is. By name: it need not be on the class path.
	 */
	enum Kind {

		FRAMEWORK("org.springframework.resilience.annotation.Retryable", Set.of("includes"), Set.of("excludes")),

		SPRING_RETRY("org.springframework.retry.annotation.Retryable", Set.of("value", "include", "retryFor"),
				Set.of("exclude", "noRetryFor"));

		private final String annotation;

		private final Set<String> includes;

		private final Set<String> excludes;

		Kind(String annotation, Set<String> includes, Set<String> excludes) {
			this.annotation = annotation;
			this.includes = includes;
			this.excludes = excludes;
		}

	}

	/**
	 * Find the advice of a method.
	 * @param method the method
	 * @return the advice, {@code null} if there is none
	 */
	static @Nullable RetryAdvice of(HandlerMethod method) {
		MergedAnnotations onMethod = MergedAnnotations.from(method.method(), SearchStrategy.TYPE_HIERARCHY);
		MergedAnnotations onClass = MergedAnnotations.from(method.beanClass(), SearchStrategy.TYPE_HIERARCHY);
		for (Kind kind : Kind.values()) {
			MergedAnnotation<?> annotation = onMethod.get(kind.annotation);
			if (!annotation.isPresent()) {
				annotation = onClass.get(kind.annotation);
			}
			if (annotation.isPresent()) {
				return of(kind, annotation);
			}
		}
		return null;
	}

	private static RetryAdvice of(Kind kind, MergedAnnotation<?> annotation) {
		Map<String, Object> attributes = annotation.asMap();
		return new RetryAdvice(kind, classes(attributes, kind.includes), classes(attributes, kind.excludes));
	}

	private static List<Class<?>> classes(Map<String, Object> attributes, Set<String> names) {
		List<Class<?>> classes = new ArrayList<>();
		for (String name : names) {
			if (attributes.get(name) instanceof Class<?>[] values) {
				classes.addAll(List.of(values));
			}
		}
		return classes;
	}

	/**
	 * Return whether something thrown is repeated.
	 * @param thrown its type
	 * @return whether it is, as far as types tell
	 */
	boolean repeats(Class<? extends Throwable> thrown) {
		if (this.excludes.stream().anyMatch((type) -> type.isAssignableFrom(thrown))) {
			return false;
		}
		if (!this.includes.isEmpty()) {
			return this.includes.stream().anyMatch((type) -> type.isAssignableFrom(thrown));
		}
		// Spring Retry begins with exceptions only; its exclusions mean: all but these
		return this.kind == Kind.FRAMEWORK || !this.excludes.isEmpty() || Exception.class.isAssignableFrom(thrown);
	}

	String description() {
		return "@Retryable (" + this.kind.annotation + ")";
	}

	String remedy(Class<?> excluded) {
		String attribute = (this.kind == Kind.FRAMEWORK) ? "excludes" : "noRetryFor";
		return attribute + " = " + excluded.getSimpleName() + ".class";
	}

}
