package com.example.triggers;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.annotation.Cron;
import org.springframework.core.annotation.AliasFor;

@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@Cron("0 3 * * *")
@interface Nightly {

	@AliasFor(annotation = Cron.class)
	String zone() default "Europe/Vienna";

}
