package com.example.triggers;

import io.pgconductor.ConductorClient;
import io.pgconductor.EmitOptions;
import io.pgconductor.EventDefinition;
import org.springframework.stereotype.Service;

@Service
class Payments {

	private final ConductorClient conductor;

	Payments(ConductorClient conductor) {
		this.conductor = conductor;
	}

	void received(Payment payment) {
		this.conductor.emit(receivedFor(payment.invoice()), payment,
				EmitOptions.defaults().dedupeKey(payment.reference()));
	}

	static EventDefinition<Payment> receivedFor(String invoice) {
		return EventDefinition.of("payment.received." + invoice, Payment.class);
	}

	record Payment(String reference, String invoice, int amount) {
	}

}
