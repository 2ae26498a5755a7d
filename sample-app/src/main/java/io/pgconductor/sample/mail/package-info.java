/**
 * E-mails: a task of its own, which others invoke by
 * {@link io.pgconductor.sample.mail.SendEmail#TASK}.
 */
@NullMarked
package io.pgconductor.sample.mail;

import org.jspecify.annotations.NullMarked;
