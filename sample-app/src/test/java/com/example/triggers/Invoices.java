package com.example.triggers;

import java.time.Duration;
import java.util.Optional;

import com.example.triggers.Payments.Payment;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Invoices {

	private final Mail mail;

	Invoices(Mail mail) {
		this.mail = mail;
	}

	@Task(name = "collect")
	String collect(Invoice invoice, TaskContext context) {
		context.step("send", () -> this.mail.send(invoice.customer(), "Your invoice " + invoice.number()));
		Optional<Payment> payment = context.awaitEvent("payment", Payments.receivedFor(invoice.number()),
				Duration.ofDays(14));
		if (payment.isEmpty()) {
			context.step("remind", () -> this.mail.send(invoice.customer(), "Have you forgotten something?"));
			payment = context.awaitEvent("late-payment", Payments.receivedFor(invoice.number()), Duration.ofDays(14));
		}
		return payment.map((received) -> "paid by " + received.reference()).orElse("not paid");
	}

	record Invoice(String number, String customer) {
	}

}
