package io.pgconductor.sample.order;

import java.net.URI;

import io.pgconductor.sample.web.NotFoundException;
import jakarta.validation.Valid;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Orders over HTTP.
 */
@RestController
@RequestMapping("/orders")
class OrderController {

	private final OrderService orders;

	OrderController(OrderService orders) {
		this.orders = orders;
	}

	@PostMapping
	ResponseEntity<PlacedOrder> place(@RequestBody @Valid NewOrder newOrder) {
		PlacedOrder placed = this.orders.place(newOrder);
		return ResponseEntity.created(URI.create("/orders/" + placed.id())).body(placed);
	}

	@GetMapping("/{id}")
	OrderView find(@PathVariable long id) {
		return this.orders.find(id).orElseThrow(() -> new NotFoundException("There is no order " + id));
	}

}
