package io.pgconductor.sample.payment;

import java.time.Instant;

import org.jspecify.annotations.Nullable;

/**
 * What the payment gateway has booked.
 *
 * @param amount how much, in euros
 * @param requests how often the gateway was asked for it
 * @param chargedAt when the money was taken
 * @param refundedAt when it was given back; {@code null} if it was not
 */
public record Receipt(int amount, int requests, Instant chargedAt, @Nullable Instant refundedAt) {
}
