package io.pgconductor.sample.order;

import java.util.Optional;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.sample.execution.Executions;
import io.pgconductor.sample.payment.PaymentGateway;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Takes orders and hands them over to be fulfilled.
 */
@Service
class OrderService {

	private final OrderRepository orders;

	private final PaymentGateway payments;

	private final Executions executions;

	private final ConductorClient conductor;

	OrderService(OrderRepository orders, PaymentGateway payments, Executions executions, ConductorClient conductor) {
		this.orders = orders;
		this.payments = payments;
		this.executions = executions;
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
		this.orders.setExecution(id, executionId);
		return new PlacedOrder(id, executionId);
	}

	/**
	 * Show what has become of an order.
	 * @param id the order's id
	 * @return the order and the stages of its fulfilment, or empty if there is none
	 */
	Optional<OrderView> find(long id) {
		return this.orders.find(id)
			.map((order) -> OrderView.of(order, this.payments.find(order.paymentKey()).orElse(null),
					Optional.ofNullable(order.executionId()).flatMap(this.executions::find).orElse(null)));
	}

}
