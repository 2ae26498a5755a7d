package io.pgconductor.sample.order;

import java.util.Optional;

import io.pgconductor.sample.execution.Executions;
import io.pgconductor.sample.payment.PaymentGateway;
import org.springframework.stereotype.Service;

/**
 * Takes orders, and shows what has become of them.
 */
@Service
class OrderService {

	private final OrderRepository orders;

	private final PaymentGateway payments;

	private final Executions executions;

	OrderService(OrderRepository orders, PaymentGateway payments, Executions executions) {
		this.orders = orders;
		this.payments = payments;
		this.executions = executions;
	}

	/**
	 * Place an order. That the row is there is all that it takes to have it fulfilled,
	 * see {@link OrderFulfilment}.
	 * @param newOrder what is ordered
	 * @return its id
	 */
	PlacedOrder place(NewOrder newOrder) {
		return new PlacedOrder(this.orders.insert(newOrder));
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
