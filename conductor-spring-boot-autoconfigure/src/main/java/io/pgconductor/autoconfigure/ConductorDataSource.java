package io.pgconductor.autoconfigure;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.beans.factory.annotation.Qualifier;

/**
 * Marks the {@link javax.sql.DataSource} that Conductor works on, where an application
 * has several. Without it, Conductor takes the only or the primary one.
 *
 * <pre class="code">
 * &#064;Bean
 * &#064;ConductorDataSource
 * DataSource ordersDataSource() { … }
 * </pre>
 *
 * @since 0.1.0
 * @see ConductorTransactionManager
 */
@Target({ ElementType.FIELD, ElementType.METHOD, ElementType.PARAMETER, ElementType.TYPE, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Qualifier
public @interface ConductorDataSource {

}
