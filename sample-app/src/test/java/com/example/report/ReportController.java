package com.example.report;

import java.net.URI;
import java.time.Duration;
import java.time.YearMonth;
import java.util.UUID;

import io.pgconductor.AwaitTimeoutException;
import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionFailedException;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
class ReportController {

	private final ConductorClient conductor;

	ReportController(ConductorClient conductor) {
		this.conductor = conductor;
	}

	@PostMapping("/reports")
	ResponseEntity<Reports.Report> make(@RequestParam YearMonth month) {
		return get(this.conductor.invoke("make-report", new Reports.ReportRequest(month)));
	}

	@GetMapping("/reports/{execution}")
	ResponseEntity<Reports.Report> get(@PathVariable UUID execution) {
		try {
			return ResponseEntity.ok(this.conductor.await(execution, Reports.Report.class, Duration.ofSeconds(2)));
		}
		catch (AwaitTimeoutException ex) {
			return ResponseEntity.accepted().location(URI.create("/reports/" + execution)).build();
		}
	}

	@ExceptionHandler
	ResponseEntity<String> failed(ExecutionFailedException ex) {
		return ResponseEntity.unprocessableContent().body(ex.getMessage());
	}

}
