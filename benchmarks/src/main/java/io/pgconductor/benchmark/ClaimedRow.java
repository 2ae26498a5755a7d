package io.pgconductor.benchmark;

import java.util.UUID;

/**
 * What a bare loop knows of an execution that it has claimed.
 *
 * @param id the execution's id
 * @param claimNo the number of the claim
 * @param payload its payload
 */
record ClaimedRow(UUID id, int claimNo, Order payload) {
}
