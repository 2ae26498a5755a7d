package com.example.workflows;

import io.pgconductor.ConductorClient;
import io.pgconductor.NonRetryableException;
import io.pgconductor.annotation.Task;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
class Transfers {

	private final JdbcClient jdbcClient;

	private final ConductorClient conductor;

	Transfers(JdbcClient jdbcClient, ConductorClient conductor) {
		this.jdbcClient = jdbcClient;
		this.conductor = conductor;
	}

	@Task(name = "transfer", transactional = true)
	void transfer(Transfer transfer) {
		add(transfer.from(), -transfer.amount());
		this.conductor.invoke("note-transfer", transfer);
		add(transfer.to(), transfer.amount());
	}

	private void add(String account, int amount) {
		int updated = this.jdbcClient.sql("update account set balance = balance + ? where name = ?")
			.params(amount, account)
			.update();
		if (updated == 0) {
			throw new NonRetryableException("There is no account '" + account + "'");
		}
	}

	record Transfer(String from, String to, int amount) {
	}

}
