package io.pgconductor.sample.mail;

import java.time.Instant;

/**
 * The result of the task that sends e-mails.
 *
 * @param at when the e-mail was sent
 */
public record Sent(Instant at) {
}
