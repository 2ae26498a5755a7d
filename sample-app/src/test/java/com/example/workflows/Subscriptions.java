package com.example.workflows;

import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class Subscriptions {

	private final JdbcClient jdbcClient;

	private final ConductorClient conductor;

	Subscriptions(JdbcClient jdbcClient, ConductorClient conductor) {
		this.jdbcClient = jdbcClient;
		this.conductor = conductor;
	}

	@Transactional
	void end(long id, String reason) {
		UUID execution = this.jdbcClient.sql("delete from subscription where id = ? returning execution_id")
			.param(id)
			.query(UUID.class)
			.single();
		this.conductor.cancel(execution, reason);
	}

}
