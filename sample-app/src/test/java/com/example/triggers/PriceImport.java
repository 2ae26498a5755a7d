package com.example.triggers;

import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.annotation.Cron;
import org.springframework.stereotype.Component;

@Component
class PriceImport {

	private final PriceList prices;

	PriceImport(PriceList prices) {
		this.prices = prices;
	}

	@Cron(value = "${import.cron:*/15 * * * *}", misfire = MisfirePolicy.SKIP, overlap = OverlapPolicy.SKIP)
	void importPrices() {
		this.prices.load();
	}

}
