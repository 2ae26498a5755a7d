package com.example.triggers;

import io.pgconductor.ConductorClient;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class Orders {

	private final JdbcClient jdbcClient;

	private final ConductorClient conductor;

	Orders(JdbcClient jdbcClient, ConductorClient conductor) {
		this.jdbcClient = jdbcClient;
		this.conductor = conductor;
	}

	@Transactional
	long place(String customer, int total) {
		long id = this.jdbcClient.sql("insert into orders (customer, total) values (?, ?) returning id")
			.param(customer)
			.param(total)
			.query(Long.class)
			.single();
		this.conductor.emit(OrderPlaced.EVENT, new OrderPlaced(id, customer, total));
		return id;
	}

}
