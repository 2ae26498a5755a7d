package com.example.flow;

import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class TenantSync {

	private final Crm crm;

	TenantSync(Crm crm) {
		this.crm = crm;
	}

	@Task(name = "sync-tenant", concurrency = 1, concurrencyKey = "tenant.id")
	void synchronize(Sync sync) {
		this.crm.synchronize(sync.tenant().id(), sync.revision());
	}

	record Sync(Tenant tenant, int revision) {
	}

	record Tenant(String id) {
	}

}
