package com.example.workflows;

import java.io.IOException;

import com.example.workflows.Bank.Receipt;
import io.pgconductor.ExecutionError;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.OnFailure;
import io.pgconductor.annotation.Task;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
class Checkout {

	private final JdbcClient jdbcClient;

	private final Bank bank;

	private final Warehouse warehouse;

	private final Mail mail;

	Checkout(JdbcClient jdbcClient, Bank bank, Warehouse warehouse, Mail mail) {
		this.jdbcClient = jdbcClient;
		this.bank = bank;
		this.warehouse = warehouse;
		this.mail = mail;
	}

	@Task(name = "checkout", maxAttempts = 5)
	Receipt checkout(Cart cart, TaskContext context) throws IOException {
		long orderId = context.transaction("create-order", Long.class, () -> createOrder(cart));
		Receipt receipt = context.step("charge", Receipt.class,
				() -> this.bank.charge("order-" + orderId, cart.amount()));
		context.step("pack", () -> this.warehouse.pack(orderId));
		return receipt;
	}

	@OnFailure("checkout")
	void apologise(Cart cart, ExecutionError error) {
		this.mail.send(cart.customer(), "We could not complete your order.");
	}

	private long createOrder(Cart cart) {
		return this.jdbcClient.sql("insert into orders (customer, amount) values (?, ?) returning id")
			.params(cart.customer(), cart.amount())
			.query(Long.class)
			.single();
	}

	record Cart(String customer, int amount) {
	}

}
