package com.example.signup;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
class WelcomeMail {

	private final JdbcClient jdbcClient;

	WelcomeMail(JdbcClient jdbcClient) {
		this.jdbcClient = jdbcClient;
	}

	@Task(name = "send-welcome", maxAttempts = 5)
	Sent send(SendWelcome payload, TaskContext context) {
		String email = this.jdbcClient.sql("select email from users where id = ?")
			.param(payload.userId())
			.query(String.class)
			.single();
		context.logger().info("Welcome, {}! (attempt {})", email, context.attempt());
		return new Sent(email);
	}

	record SendWelcome(long userId) {
	}

	record Sent(String to) {
	}

}
