package io.pgconductor.sample.report;

import io.pgconductor.sample.loyalty.Loyalty;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * The newest sales report and the loyalty points over HTTP.
 */
@RestController
class ReportController {

	private final SalesReports reports;

	private final Loyalty loyalty;

	ReportController(SalesReports reports, Loyalty loyalty) {
		this.reports = reports;
		this.loyalty = loyalty;
	}

	@GetMapping("/report")
	ReportView report() {
		return new ReportView(this.reports.newest().orElse(null), this.loyalty.points());
	}

}
