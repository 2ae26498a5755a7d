package com.example.flow;

import io.pgconductor.ConductorClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

@Component
class Maintenance {

	private final ConductorClient conductor;

	Maintenance(ConductorClient conductor) {
		this.conductor = conductor;
	}

	@Transactional
	void begin() {
		this.conductor.pauseQueue("pictures");
		this.conductor.pauseTask("sync-tenant");
	}

	@Transactional
	void end() {
		this.conductor.resumeQueue("pictures");
		this.conductor.resumeTask("sync-tenant");
	}

}
