package com.example.report;

import java.time.YearMonth;
import java.util.List;
import java.util.stream.IntStream;

import io.pgconductor.NonRetryableException;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Reports {

	@Task(name = "make-report")
	Report make(ReportRequest request) {
		if (request.month().isAfter(YearMonth.now())) {
			throw new NonRetryableException("There are no sales in " + request.month() + " yet");
		}
		return new Report("Sales in " + request.month());
	}

	@Task(name = "make-yearly-reports")
	List<Report> makeAll(int year) {
		return IntStream.rangeClosed(1, 12)
			.mapToObj((month) -> make(new ReportRequest(YearMonth.of(year, month))))
			.toList();
	}

	record ReportRequest(YearMonth month) {
	}

	record Report(String title) {
	}

}
