package com.example.workflows;

import java.util.List;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class PriceImport {

	private final PriceList prices;

	PriceImport(PriceList prices) {
		this.prices = prices;
	}

	@Task(name = "import-prices", window = "22:00-06:00", zone = "Europe/Vienna")
	void importPrices(ImportPrices payload, TaskContext context) {
		for (String supplier : payload.suppliers()) {
			context.step(supplier, () -> this.prices.load(supplier));
		}
	}

	record ImportPrices(List<String> suppliers) {
	}

}
