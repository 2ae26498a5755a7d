package io.pgconductor.sample.report;

import java.time.Instant;

/**
 * What the shop has sold.
 *
 * @param madeFor the time that the report is about
 * @param orders how many orders were shipped
 * @param revenue what they have cost, in euros
 */
record SalesReport(Instant madeFor, int orders, int revenue) {
}
