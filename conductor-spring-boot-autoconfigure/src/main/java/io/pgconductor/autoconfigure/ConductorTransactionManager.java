package io.pgconductor.autoconfigure;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.beans.factory.annotation.Qualifier;

/**
 * Marks the {@link org.springframework.transaction.PlatformTransactionManager} of
 * Conductor's {@code DataSource}, where that is not evident. Without it, Conductor takes
 * the one that manages its data source.
 *
 * @since 0.1.0
 * @see ConductorDataSource
 */
@Target({ ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.TYPE, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Qualifier
public @interface ConductorTransactionManager {

}
