package com.example.flow;

import io.pgconductor.RowOperation;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Metering {

	private final Billing billing;

	Metering(Billing billing) {
		this.billing = billing;
	}

	@Task(name = "charge-usage", concurrency = 1, concurrencyKey = "customerId")
	@OnRowChange(table = "usage", operations = RowOperation.INSERT)
	void charge(Usage usage) {
		this.billing.charge(usage.customerId(), usage.units());
	}

	record Usage(long customerId, int units) {
	}

}
