package org.springframework.retry.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/**
 * Stands for Spring Retry's annotation, which is recognised by its name.
 */
@Retention(RetentionPolicy.RUNTIME)
public @interface Retryable {

	Class<? extends Throwable>[] retryFor() default {};

	Class<? extends Throwable>[] noRetryFor() default {};

}
