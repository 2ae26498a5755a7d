package io.pgconductor.sample.payment;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Options of the payment gateway.
 *
 * @param failEvery the gateway doesn't answer every n-th request of this process; 0 if it
 * always does
 */
@ConfigurationProperties("shop.payment")
record PaymentProperties(@DefaultValue("4") int failEvery) {
}
