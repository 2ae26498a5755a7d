package com.example.workflows;

import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.springframework.stereotype.Component;

@Component
class Support {

	private final ConductorClient conductor;

	Support(ConductorClient conductor) {
		this.conductor = conductor;
	}

	boolean tryAgain(UUID execution) {
		return this.conductor.retry(execution);
	}

}
