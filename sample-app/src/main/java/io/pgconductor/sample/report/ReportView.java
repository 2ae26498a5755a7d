package io.pgconductor.sample.report;

import java.util.List;

import io.pgconductor.sample.loyalty.LoyaltyPoints;
import org.jspecify.annotations.Nullable;

/**
 * What the HTTP API tells about the business.
 *
 * @param sales the newest report; {@code null} if there is none yet
 * @param loyalty the customers with the most points
 */
record ReportView(@Nullable SalesReport sales, List<LoyaltyPoints> loyalty) {
}
