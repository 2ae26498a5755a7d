package io.pgconductor.sample.order;

import java.time.Duration;
import java.time.Instant;

import io.pgconductor.ChildFailedException;
import io.pgconductor.EmitOptions;
import io.pgconductor.ExecutionError;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.OnFailure;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Retry;
import io.pgconductor.annotation.Task;
import io.pgconductor.sample.mail.SendEmail;
import io.pgconductor.sample.payment.ChargeCustomer;
import io.pgconductor.sample.payment.PaymentGateway;
import io.pgconductor.sample.payment.Receipt;
import io.pgconductor.sample.stock.OutOfStockException;
import io.pgconductor.sample.stock.Stock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * Fulfils orders in the background.
 */
@Component
class OrderFulfilment {

	/**
	 * The task's name.
	 */
	static final String TASK = "fulfil-order";

	private static final Logger logger = LoggerFactory.getLogger(OrderFulfilment.class);

	private final OrderRepository orders;

	private final Stock stock;

	private final PaymentGateway payments;

	private final Duration settlement;

	OrderFulfilment(OrderRepository orders, Stock stock, PaymentGateway payments,
			@Value("${shop.settlement}") Duration settlement) {
		this.orders = orders;
		this.stock = stock;
		this.payments = payments;
		this.settlement = settlement;
	}

	/**
	 * Fulfil an order, as soon as its row is committed, whoever has inserted it. This
	 * method runs again from the top after each failed attempt, after a crash, and after
	 * it has waited: what is in a step is not repeated then.
	 * @param payload names the order
	 * @param context the execution
	 * @return the shipment
	 */
	@Task(name = TASK, maxAttempts = 5, retry = @Retry(initial = "1s", noRetryFor = OutOfStockException.class))
	@OnRowChange(table = "orders", operations = RowOperation.INSERT, payload = RowPayload.CUSTOM,
			mapping = "orderId=id")
	Shipment fulfil(FulfilOrder payload, TaskContext context) {
		Order order = this.orders.find(payload.orderId())
			.orElseThrow(() -> new NonRetryableException("There is no order " + payload.orderId()));
		if (order.status() == OrderStatus.CANCELLED) {
			throw new NonRetryableException("Order " + order.id() + " is cancelled");
		}
		if (order.executionId() == null) {
			this.orders.setExecution(order.id(), context.executionId());
		}

		context.progress(0.1, "reserving the stock");
		context.transaction("reserve-stock", () -> reserve(order));

		context.progress(0.3, "charging the customer");
		Receipt receipt = context.invoke("charge", ChargeCustomer.TASK,
				new ChargeCustomer(order.paymentKey(), order.customer(), order.total()));

		context.progress(0.5, "waiting for the payment to settle");
		context.sleep("settle", this.settlement);

		context.progress(0.7, "shipping");
		Instant shippedAt = context.transaction("ship", Instant.class, () -> ship(order, context));

		context.progress(0.9, "telling the customer");
		tellCustomer(order, context);
		return new Shipment(order.id(), receipt.chargedAt(), shippedAt);
	}

	/**
	 * Give up an order whose fulfilment has failed for good. A task of its own, which
	 * runs until it has succeeded or its attempts are used up; here, all in one
	 * transaction.
	 * @param payload names the order
	 * @param error why it failed
	 */
	@OnFailure
	@Transactional
	void giveUp(FulfilOrder payload, ExecutionError error) {
		this.orders.find(payload.orderId()).ifPresent((order) -> {
			if (this.orders.move(order.id(), OrderStatus.RESERVED, OrderStatus.CANCELLED)) {
				this.stock.putBack(order.item(), order.quantity());
				this.payments.refund(order.paymentKey());
				logger.info("Order {} is cancelled, and its stock is back: {}", order.id(), error.message());
			}
			else if (this.orders.move(order.id(), OrderStatus.PLACED, OrderStatus.CANCELLED)) {
				logger.info("Order {} is cancelled: {}", order.id(), error.message());
			}
		});
	}

	/**
	 * The transaction of the step has both statements, and the record of the step.
	 */
	private void reserve(Order order) {
		if (this.orders.move(order.id(), OrderStatus.PLACED, OrderStatus.RESERVED)) {
			this.stock.take(order.item(), order.quantity());
		}
	}

	/**
	 * The event is part of the step's transaction. Its key is for orders that are
	 * fulfilled twice: they are shipped once.
	 */
	private Instant ship(Order order, TaskContext context) {
		Instant shippedAt = this.orders.markShipped(order.id())
			.orElseThrow(() -> new NonRetryableException("Order " + order.id() + " is not to be shipped any more"));
		context.emit(OrderShipped.EVENT, new OrderShipped(order.id(), order.customer(), order.total()),
				EmitOptions.defaults().dedupeKey("order-" + order.id()));
		return shippedAt;
	}

	/**
	 * A shipped order is fulfilled, with or without an e-mail.
	 */
	private void tellCustomer(Order order, TaskContext context) {
		SendEmail email = new SendEmail(order.customer(),
				"Your order %d (%d × %s) is on its way".formatted(order.id(), order.quantity(), order.item()));
		try {
			context.invoke("tell-customer", SendEmail.TASK, email);
		}
		catch (ChildFailedException ex) {
			context.logger().warn("Order {}: the customer could not be told", order.id(), ex);
		}
	}

}
