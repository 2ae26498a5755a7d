package io.pgconductor.sample.refill;

import java.time.Duration;
import java.util.Map;

import io.pgconductor.sample.ShopApplication;
import io.pgconductor.sample.TestDatabaseConfiguration;
import io.pgconductor.sample.stock.OutOfStockException;
import io.pgconductor.sample.stock.Stock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.transaction.support.TransactionOperations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

@SpringBootTest(classes = ShopApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "shop.delivery=100ms")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class RefillsIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	@Autowired
	private Stock stock;

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private TransactionOperations transaction;

	@AfterEach
	void awaitQuiet() {
		await().atMost(SOON)
			.until(() -> number("select count(*) from conductor.execution where task = 'order-refill'") == 0);
		this.jdbcClient.sql("delete from conductor.finished_execution where task = 'order-refill'").update();
	}

	@Test
	void refillsOnceWhatManyBuy() {
		set("lamp", 100);

		for (int i = 0; i < 60; i++) {
			this.stock.take("lamp", 1);
		}

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(level("lamp")).isEqualTo(Map.of("available", 140, "on_order", 0)));
	}

	@Test
	void leavesAloneWhatThereIsEnoughOf() {
		set("lamp", 100);

		this.stock.take("lamp", 50);

		assertThat(refills()).isZero();
		assertThat(level("lamp")).isEqualTo(Map.of("available", 50, "on_order", 0));
	}

	@Test
	void refillsAsOftenAsItTakes() {
		set("lamp", 100);
		this.jdbcClient.sql("update stock set reorder_quantity = 20 where item = 'lamp'").update();

		this.stock.take("lamp", 100);

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(level("lamp")).isEqualTo(Map.of("available", 60, "on_order", 0)));
		assertThat(refills()).isEqualTo(3);
	}

	@Test
	void refillsWhatIsTooLittleByNow() {
		set("book", 2000);

		this.jdbcClient.sql("update stock set reorder_below = 3000 where item = 'book'").update();

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(level("book")).isEqualTo(Map.of("available", 7000, "on_order", 0)));
	}

	@Test
	void refillsNothingThatIsRolledBackOrOneOfAKind() {
		set("lamp", 100);
		this.transaction.executeWithoutResult((status) -> {
			this.stock.take("lamp", 60);
			status.setRollbackOnly();
		});

		this.stock.take("piano", 1);

		assertThat(refills()).isZero();
		assertThatExceptionOfType(OutOfStockException.class).isThrownBy(() -> this.stock.take("piano", 1));
	}

	private void set(String item, int available) {
		this.jdbcClient
			.sql("""
					update stock set available = ?, on_order = 0, reorder_quantity = case item when 'lamp' then 100 else 5000 end
					where item = ?
					""")
			.param(available)
			.param(item)
			.update();
	}

	private Map<String, Object> level(String item) {
		return this.jdbcClient.sql("select available, on_order from stock where item = ?")
			.param(item)
			.query()
			.singleRow();
	}

	private long refills() {
		return number("select count(*) from conductor.executions where task = 'order-refill'");
	}

	private long number(String sql) {
		return this.jdbcClient.sql(sql).query(Long.class).single();
	}

}
