package com.example.flow;

import java.util.List;

import io.pgconductor.annotation.Batch;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Products {

	private final SearchIndex index;

	private final PriceService prices;

	Products(SearchIndex index, PriceService prices) {
		this.index = index;
		this.prices = prices;
	}

	@Task(name = "index-product", batch = @Batch(size = 100, timeout = "200ms"))
	void index(List<Product> products) {
		this.index.save(products);
	}

	@Task(name = "price-product", batch = @Batch(size = 50))
	List<Price> price(List<Product> products) {
		List<Integer> amounts = this.prices.pricesOf(products.stream().map(Product::name).toList());
		return amounts.stream().map(Price::new).toList();
	}

	record Product(String name) {
	}

	record Price(int amount) {
	}

}
