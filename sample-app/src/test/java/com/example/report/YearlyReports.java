package com.example.report;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.stereotype.Service;
import org.springframework.transaction.support.TransactionTemplate;

@Service
class YearlyReports {

	private final ConductorClient conductor;

	private final TransactionTemplate transactions;

	YearlyReports(ConductorClient conductor, TransactionTemplate transactions) {
		this.conductor = conductor;
		this.transactions = transactions;
	}

	List<Reports.Report> make(int year) {
		UUID execution = this.transactions.execute((status) -> this.conductor.invoke("make-yearly-reports", year));
		return this.conductor.await(execution, new ParameterizedTypeReference<>() {
		}, Duration.ofSeconds(30));
	}

}
