package io.pgconductor.sample.order;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

import javax.sql.DataSource;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.sample.ShopApplication;
import io.pgconductor.sample.TestDatabaseConfiguration;
import io.pgconductor.sample.execution.ExecutionView;
import io.pgconductor.sample.payment.Receipt;
import org.junit.jupiter.api.Test;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionOperations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class OrderFulfilmentIntegrationTests {

	@Test
	void chargesOnceThoughThePaymentGatewayDoesNotAnswer() {
		run((shop) -> {
			assertThat(shop.end(shop.place("book", 1)).attempt()).isEqualTo(1);

			PlacedOrder placed = shop.place("book", 2);

			Execution execution = shop.end(placed);
			assertThat(execution.state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(execution.attempt()).isEqualTo(1);
			assertThat(shop.payment(placed).attempt()).isEqualTo(2);
			assertThat(shop.payment(placed).error()).isNotNull()
				.satisfies((error) -> assertThat(error.message()).isEqualTo("The payment gateway does not answer"));
			assertThat(execution.steps()).extracting(ExecutionStep::name)
				.containsExactly("reserve-stock", "charge", "settle", "ship", "tell-customer");
			assertThat(shop.find(placed).status()).isEqualTo(OrderStatus.SHIPPED);
			assertThat(shop.charge(placed).requests()).isEqualTo(1);
			assertThat(shop.available("book")).isEqualTo(10000 - 3);
		}, "--shop.payment.fail-every=2");
	}

	@Test
	void sellsNoMoreThanThereIs() {
		run((shop) -> {
			PlacedOrder first = shop.place("piano", 1);
			PlacedOrder second = shop.place("piano", 1);

			assertThat(shop.end(first).state()).isNotEqualTo(shop.end(second).state());
			assertThat(shop.available("piano")).isZero();
			await().atMost(Duration.ofSeconds(20))
				.untilAsserted(() -> assertThat(List.of(shop.find(first).status(), shop.find(second).status()))
					.containsExactlyInAnyOrder(OrderStatus.SHIPPED, OrderStatus.CANCELLED));
			assertThat(shop.count("select count(*) from charge")).isEqualTo(1);
		}, "--shop.payment.fail-every=0");
	}

	@Test
	void chargesACustomerForOneOrderAtATime() {
		run((shop) -> {
			List<PlacedOrder> placed = shop.whileNothingCanBeCharged(() -> {
				PlacedOrder first = shop.place("book", 1);
				PlacedOrder second = shop.place("book", 2);
				PlacedOrder other = shop.place("eve@example.com", "book", 3);
				await().atMost(Duration.ofSeconds(20))
					.until(() -> shop.payments("eve@example.com", "running") == 1
							&& shop.payments("ada@example.com", "running") == 1
							&& shop.payments("ada@example.com", "ready") == 1);
				return List.of(first, second, other);
			});

			assertThat(placed)
				.allSatisfy((order) -> assertThat(shop.end(order).state()).isEqualTo(ExecutionState.COMPLETED));
			assertThat(shop.count("select count(*) from charge")).isEqualTo(3);
		}, "--shop.payment.fail-every=0");
	}

	@Test
	void cancelsAnOrderThatCannotBePaid() {
		run((shop) -> {
			PlacedOrder placed = shop.place("book", 2);

			Execution execution = shop.end(placed);
			assertThat(execution.state()).isEqualTo(ExecutionState.FAILED);
			assertThat(execution.attempt()).isEqualTo(1);
			assertThat(execution.steps()).extracting(ExecutionStep::name).containsExactly("reserve-stock");
			assertThat(shop.payment(placed).attempt()).isEqualTo(2);
			await().atMost(Duration.ofSeconds(20))
				.untilAsserted(() -> assertThat(shop.find(placed).status()).isEqualTo(OrderStatus.CANCELLED));
			assertThat(shop.available("book")).isEqualTo(10000);
			assertThat(shop.count("select count(*) from charge")).isZero();
		}, "--shop.payment.fail-every=1", "--conductor.tasks.charge-customer.max-attempts=2");
	}

	@Test
	void givesTheMoneyBackWhenTheFulfilmentFailsAfterTheCharge() {
		run((shop) -> {
			shop.jdbcClient().sql("alter table orders add constraint broken check (status <> 'shipped')").update();

			PlacedOrder placed = shop.place("book", 2);

			assertThat(shop.end(placed).state()).isEqualTo(ExecutionState.FAILED);
			await().atMost(Duration.ofSeconds(20))
				.untilAsserted(() -> assertThat(shop.find(placed).status()).isEqualTo(OrderStatus.CANCELLED));
			assertThat(shop.charge(placed).refundedAt()).isNotNull();
			assertThat(shop.available("book")).isEqualTo(10000);
			assertThat(shop.count("select count(*) from conductor.executions where task = 'earn-points'")).isZero();
		}, "--shop.payment.fail-every=0", "--conductor.tasks.fulfil-order.max-attempts=1");
	}

	@Test
	void fulfilsAnOrderThatIsInvokedTwiceOnce() {
		run((shop) -> {
			PlacedOrder placed = shop.place("book", 2);
			UUID again = shop.conductor().invoke(OrderFulfilment.TASK, new FulfilOrder(placed.id()));

			assertThat(shop.end(placed).state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(shop.end(again).state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(shop.available("book")).isEqualTo(10000 - 2);
			assertThat(shop.count("select count(*) from charge")).isEqualTo(1);
			await().atMost(Duration.ofSeconds(20))
				.untilAsserted(() -> assertThat(shop.count("select sum(points) from loyalty_entry")).isEqualTo(20));
			assertThat(shop.count("select count(*) from conductor.executions where task = 'earn-points'")).isEqualTo(1);
		}, "--shop.payment.fail-every=0");
	}

	@Test
	void fulfilsAnOrderThatAnotherProgramHasInserted() {
		run((shop) -> {
			PlacedOrder placed = new PlacedOrder(shop.jdbcClient()
				.sql("""
						insert into orders (customer, item, quantity, status) values ('psql@example.com', 'book', 3, 'placed')
						returning id
						""")
				.query(Long.class)
				.single());

			Execution execution = shop.end(placed);
			assertThat(execution.state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(execution.headers()).containsEntry("conductor.row-operation", "INSERT");
			assertThat(shop.find(placed).status()).isEqualTo(OrderStatus.SHIPPED);
		}, "--shop.payment.fail-every=0");
	}

	@Test
	void fulfilsNoOrderThatIsRolledBack() {
		run((shop) -> {
			shop.transaction().executeWithoutResult((status) -> {
				shop.place("book", 2);
				status.setRollbackOnly();
			});
			PlacedOrder placed = shop.place("book", 3);

			assertThat(shop.end(placed).state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(shop.count("select count(*) from conductor.executions where task = 'fulfil-order'")).isOne();
			assertThat(shop.available("book")).isEqualTo(10000 - 3);
		}, "--shop.payment.fail-every=0");
	}

	private static void run(Consumer<Shop> test, String... arguments) {
		try (ConfigurableApplicationContext context = new SpringApplicationBuilder(ShopApplication.class,
				TestDatabaseConfiguration.class)
			.web(WebApplicationType.NONE)
			.properties("shop.settlement=100ms")
			.run(arguments)) {
			test.accept(new Shop(context.getBean(OrderService.class), context.getBean(ConductorClient.class),
					context.getBean(JdbcClient.class), context.getBean(DataSource.class),
					context.getBean(TransactionOperations.class)));
		}
	}

	private record Shop(OrderService orders, ConductorClient conductor, JdbcClient jdbcClient, DataSource dataSource,
			TransactionOperations transaction) {

		PlacedOrder place(String item, int quantity) {
			return place("ada@example.com", item, quantity);
		}

		PlacedOrder place(String customer, String item, int quantity) {
			return this.orders.place(new NewOrder(customer, item, quantity));
		}

		long payments(String customer, String state) {
			return this.jdbcClient.sql("""
					select count(*) from conductor.executions
					where task = 'charge-customer' and payload ->> 'customer' = ? and state = ?
					""").param(customer).param(state).query(Long.class).single();
		}

		<T> T whileNothingCanBeCharged(Supplier<T> action) {
			try (Connection connection = this.dataSource.getConnection();
					Statement statement = connection.createStatement()) {
				connection.setAutoCommit(false);
				statement.execute("lock table charge in exclusive mode");
				T result = action.get();
				connection.rollback();
				return result;
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		OrderView find(PlacedOrder placed) {
			return this.orders.find(placed.id()).orElseThrow();
		}

		Receipt charge(PlacedOrder placed) {
			Receipt charge = find(placed).charge();
			assertThat(charge).isNotNull();
			return charge;
		}

		Execution payment(PlacedOrder placed) {
			return Objects.requireNonNull(find(placed).fulfilment())
				.children()
				.stream()
				.filter((child) -> child.task().equals("charge-customer"))
				.map((child) -> this.conductor.find(child.id()).orElseThrow())
				.findFirst()
				.orElseThrow();
		}

		Execution end(PlacedOrder placed) {
			ExecutionView fulfilment = await().atMost(Duration.ofSeconds(20))
				.until(() -> find(placed).fulfilment(), Objects::nonNull);
			return end(fulfilment.id());
		}

		Execution end(UUID execution) {
			return await().atMost(Duration.ofSeconds(20))
				.until(() -> this.conductor.find(execution).orElseThrow(), (found) -> found.state().isFinished());
		}

		long available(String item) {
			return this.jdbcClient.sql("select available from stock where item = ?")
				.param(item)
				.query(Long.class)
				.single();
		}

		long count(String sql) {
			return this.jdbcClient.sql(sql).query(Long.class).optional().orElse(0L);
		}

	}

}
