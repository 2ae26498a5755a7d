package io.pgconductor.sample.stock;

import java.util.List;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * The stock over HTTP.
 */
@RestController
class StockController {

	private final Stock stock;

	StockController(Stock stock) {
		this.stock = stock;
	}

	@GetMapping("/stock")
	List<StockLevel> levels() {
		return this.stock.levels();
	}

}
