package com.example.signup;

import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class SignupService {

	private final JdbcClient jdbcClient;

	private final ConductorClient conductor;

	SignupService(JdbcClient jdbcClient, ConductorClient conductor) {
		this.jdbcClient = jdbcClient;
		this.conductor = conductor;
	}

	@Transactional
	UUID signUp(String email) {
		long userId = this.jdbcClient.sql("insert into users (email) values (?) returning id")
			.param(email)
			.query(Long.class)
			.single();
		UUID execution = this.conductor.invoke("send-welcome", new WelcomeMail.SendWelcome(userId));
		if (!email.contains("@")) {
			throw new IllegalArgumentException("'" + email + "' is not an e-mail address");
		}
		return execution;
	}

}
