/**
 * The payment gateway: a stand-in for somebody else's service, which is not always there.
 */
@NullMarked
package io.pgconductor.sample.payment;

import org.jspecify.annotations.NullMarked;
