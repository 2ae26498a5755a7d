package com.example.rowchanges;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.RowOperation;
import io.pgconductor.annotation.OnRowChange;
import org.springframework.core.annotation.AliasFor;

@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@OnRowChange(table = "", operations = RowOperation.INSERT, includeOld = false)
@interface OnInsert {

	@AliasFor(annotation = OnRowChange.class)
	String table();

}
