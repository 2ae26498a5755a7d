package io.pgconductor.sample.loyalty;

/**
 * How many points a customer has.
 *
 * @param customer the customer's e-mail address
 * @param points one for each euro
 */
public record LoyaltyPoints(String customer, int points) {
}
