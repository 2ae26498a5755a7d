package com.example.flow;

import java.util.List;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Bookkeeping {

	private final ConductorClient conductor;

	private final Ledger ledger;

	Bookkeeping(ConductorClient conductor, Ledger ledger) {
		this.conductor = conductor;
		this.ledger = ledger;
	}

	UUID received(Payment payment) {
		return this.conductor.invoke("book-payment", payment, once(payment));
	}

	private static InvokeOptions once(Payment payment) {
		return InvokeOptions.defaults().dedupeKey(payment.reference());
	}

	List<UUID> received(List<Payment> payments) {
		return this.conductor.invokeAll("book-payment",
				payments.stream().map((payment) -> Invoke.of(payment, once(payment))).toList());
	}

	@Task(name = "book-payment")
	void book(Payment payment) {
		this.ledger.book(payment.reference(), payment.amount());
	}

	record Payment(String reference, int amount) {
	}

}
