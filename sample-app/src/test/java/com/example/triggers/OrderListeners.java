package com.example.triggers;

import io.pgconductor.EmittedEvent;
import io.pgconductor.annotation.OnEvent;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class OrderListeners {

	private final Mail mail;

	OrderListeners(Mail mail) {
		this.mail = mail;
	}

	@OnEvent("order.placed")
	void confirmOrder(OrderPlaced order) {
		this.mail.send(order.customer(), "We have your order " + order.id());
	}

	@Task(name = "thank", queue = "mail")
	@OnEvent(value = "order.placed", filter = "$.total > 100", fields = "customer")
	void thank(Customer customer) {
		this.mail.send(customer.customer(), "Thank you for your big order!");
	}

	@OnEvent("order.*")
	void archive(EmittedEvent<?> event) {
		this.mail.send("archive@example.com", event.name() + " at " + event.emittedAt());
	}

	record Customer(String customer) {
	}

}
