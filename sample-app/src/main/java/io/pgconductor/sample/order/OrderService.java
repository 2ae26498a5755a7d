package io.pgconductor.sample.order;

import java.util.Optional;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Takes orders and hands them over to be fulfilled.
 */
@Service
class OrderService {

	private final OrderRepository orders;

	private final ConductorClient conductor;

	OrderService(OrderRepository orders, ConductorClient conductor) {
		this.orders = orders;
		this.conductor = conductor;
	}

	/**
	 * Place an order. The order and the execution that fulfils it commit together or not
	 * at all.
	 * @param newOrder what is ordered
	 * @return the ids of both
	 */
	@Transactional
	PlacedOrder place(NewOrder newOrder) {
		long id = this.orders.insert(newOrder);
		UUID executionId = this.conductor.invoke(OrderFulfilment.TASK, new FulfilOrder(id));
		return new PlacedOrder(id, executionId);
	}

	Optional<Order> find(long id) {
		return this.orders.find(id);
	}

}
