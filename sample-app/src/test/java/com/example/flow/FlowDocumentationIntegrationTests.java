package com.example.flow;

import java.io.IOException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import com.example.DocumentationPage;
import com.example.flow.Alerts.Outage;
import com.example.flow.Appointments.Appointment;
import com.example.flow.Bookkeeping.Payment;
import com.example.flow.Carriers.Answer;
import com.example.flow.Feeds.Feed;
import com.example.flow.Geocoding.Address;
import com.example.flow.MapService.BusyException;
import com.example.flow.Notifications.Notification;
import com.example.flow.Parcels.Parcel;
import com.example.flow.Pictures.Picture;
import com.example.flow.Products.Product;
import com.example.flow.PushService.Delivery;
import com.example.flow.TenantSync.Sync;
import com.example.flow.TenantSync.Tenant;
import com.example.flow.Visits.Visit;
import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.sample.TestDatabaseConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.BDDMockito.BDDStubber;
import org.mockito.InOrder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.transaction.support.TransactionOperations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.BDDMockito.given;
import static org.mockito.BDDMockito.then;
import static org.mockito.BDDMockito.willAnswer;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.times;

/**
 * Runs what the pages about the control of the flow show.
 */
@SpringBootTest(classes = FlowApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "spring.config.location=classpath:flow/application.yml")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class FlowDocumentationIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	private final Map<Object, AtomicInteger> running = new ConcurrentHashMap<>();

	private final Map<Object, AtomicInteger> most = new ConcurrentHashMap<>();

	private final Semaphore permits = new Semaphore(0);

	private final AtomicInteger probes = new AtomicInteger();

	private Instant start;

	@Autowired
	private ConductorClient conductor;

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private JdbcTemplate jdbcTemplate;

	@Autowired
	private TransactionOperations transaction;

	@Autowired
	private Bookkeeping bookkeeping;

	@Autowired
	private Appointments appointments;

	@Autowired
	private Alerts alerts;

	@Autowired
	private Articles articles;

	@Autowired
	private Pictures pictures;

	@Autowired
	private Maintenance maintenance;

	@MockitoBean
	private Mail mail;

	@MockitoBean
	private Ledger ledger;

	@MockitoBean
	private SearchIndex index;

	@MockitoBean
	private ImageService images;

	@MockitoBean
	private FeedReader feeds;

	@MockitoBean
	private Crm crm;

	@MockitoBean
	private Billing billing;

	@MockitoBean
	private MapService maps;

	@MockitoBean
	private Carriers carriers;

	@MockitoBean
	private PriceService prices;

	@MockitoBean
	private PushService push;

	@MockitoBean
	private Statistics statistics;

	@BeforeEach
	void lookAtTheClock() {
		this.start = this.jdbcClient.sql("select pg_catalog.date_trunc('second', pg_catalog.now())")
			.query(Timestamp.class)
			.single()
			.toInstant();
	}

	@AfterEach
	void comeBack() {
		this.permits.release(1000);
		clock("pg_catalog.now()");
	}

	@Test
	void aPaymentIsBookedOnce() {
		Payment payment = new Payment("P-1", 30);

		UUID first = this.bookkeeping.received(payment);
		assertThat(this.bookkeeping.received(payment)).isEqualTo(first);
		awaitState(first, ExecutionState.COMPLETED);
		assertThat(this.bookkeeping.received(payment)).isEqualTo(first);

		Payment other = new Payment("P-2", 40);
		List<UUID> ids = this.bookkeeping.received(List.of(payment, other, other));
		assertThat(ids.get(0)).isEqualTo(first);
		assertThat(ids.get(1)).isEqualTo(ids.get(2)).isNotEqualTo(first);
		awaitState(ids.get(1), ExecutionState.COMPLETED);
		then(this.ledger).should(times(1)).book("P-1", 30);
		then(this.ledger).should(times(1)).book("P-2", 40);
	}

	@Test
	void aReminderMovesWithItsAppointment() {
		Instant tomorrow = this.start.plus(Duration.ofDays(1));
		Instant sooner = this.start.plus(Duration.ofHours(3));

		UUID id = this.appointments.changed(new Appointment(7, "ada@example.com", tomorrow));
		assertThat(this.appointments.changed(new Appointment(7, "ada@example.com", sooner))).isEqualTo(id);

		assertThat(find(id).runAt()).isEqualTo(sooner.minus(Duration.ofHours(1)));
		travel(Duration.ofHours(2).plusSeconds(1));
		then(this.mail).should(timeout(SOON.toMillis())).send("ada@example.com", "See you at " + sooner);
		awaitState(id, ExecutionState.COMPLETED);
		assertThat(this.appointments.changed(new Appointment(7, "ada@example.com", tomorrow))).isNotEqualTo(id);
		then(this.mail).should(never()).send("ada@example.com", "See you at " + tomorrow);
	}

	@Test
	void anAlertIsSentOnceInAWhile() {
		UUID first = this.alerts.failed(new Outage("shop", "no answer"));
		awaitState(first, ExecutionState.COMPLETED);
		assertThat(this.alerts.failed(new Outage("shop", "still no answer"))).isEqualTo(first);
		assertThat(this.alerts.failed(new Outage("search", "no answer"))).isNotEqualTo(first);

		travel(Duration.ofMinutes(16));
		assertThat(this.alerts.failed(new Outage("shop", "again no answer"))).isNotEqualTo(first);

		then(this.mail).should(timeout(SOON.toMillis())).send("admin@example.com", "shop: no answer");
		then(this.mail).should(timeout(SOON.toMillis())).send("admin@example.com", "search: no answer");
		then(this.mail).should(timeout(SOON.toMillis())).send("admin@example.com", "shop: again no answer");
		then(this.mail).should(never()).send("admin@example.com", "shop: still no answer");
	}

	@Test
	void anArticleIsIndexedWhenNobodyEditsItAnyMore() {
		stopClock(Duration.ZERO);
		UUID id = this.articles.edited(7);
		for (int seconds = 9; seconds <= 117; seconds += 9) {
			stopClock(Duration.ofSeconds(seconds));
			assertThat(this.articles.edited(7)).isEqualTo(id);
			assertThat(find(id).runAt()).isEqualTo(this.start.plusSeconds(Math.min(seconds + 10, 120)));
		}

		stopClock(Duration.ofSeconds(121));

		awaitState(id, ExecutionState.COMPLETED);
		then(this.index).should(times(1)).update(7);
		assertThat(this.articles.edited(7)).isNotEqualTo(id);
	}

	@Test
	void whatSomebodyWaitsForComesFirst() {
		this.conductor.pauseQueue("pictures");
		this.pictures.imported(new Picture("a"));
		this.pictures.imported(new Picture("b"));
		this.pictures.uploaded(new Picture("c"));
		this.pictures.changed(new Picture("later"), Duration.ofHours(1));
		this.pictures.published(new Picture("tomorrow"), this.start.plus(Duration.ofDays(1)));

		this.conductor.resumeQueue("pictures");

		then(this.images).should(timeout(SOON.toMillis())).shrink("b");
		InOrder order = inOrder(this.images);
		order.verify(this.images).shrink("c");
		order.verify(this.images).shrink("a");
		order.verify(this.images).shrink("b");
		travel(Duration.ofHours(2));
		then(this.images).should(timeout(SOON.toMillis())).shrink("later");
		then(this.images).should(never()).shrink("tomorrow");
		travel(Duration.ofHours(25));
		then(this.images).should(timeout(SOON.toMillis())).shrink("tomorrow");
	}

	@Test
	void noMoreFeedsAreImportedAtOnceThanAllowed() {
		holding("feed").given(this.feeds).read(any());

		List<UUID> ids = this.conductor.invokeAll("import-feed",
				IntStream.range(0, 6).mapToObj((i) -> Invoke.of(new Feed("feed-" + i))).toList());

		awaitRunning("feed", 2);
		probe();
		this.permits.release(6);
		ids.forEach((id) -> awaitState(id, ExecutionState.COMPLETED));
		assertThat(this.most.get("feed")).hasValue(2);
	}

	@Test
	void eachTenantIsSynchronizedInOrder() {
		List<String> calls = Collections.synchronizedList(new ArrayList<>());
		willAnswer((call) -> {
			calls.add(call.getArgument(0) + "-" + call.getArgument(1));
			return hold(call.getArgument(0));
		}).given(this.crm).synchronize(any(), anyInt());
		List<Invoke> syncs = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			syncs.add(Invoke.of(new Sync(new Tenant("a"), i)));
			syncs.add(Invoke.of(new Sync(new Tenant("b"), i)));
		}

		List<UUID> ids = this.conductor.invokeAll("sync-tenant", syncs);

		awaitRunning("a", 1);
		awaitRunning("b", 1);
		this.permits.release(20);
		ids.forEach((id) -> awaitState(id, ExecutionState.COMPLETED));
		assertThat(this.most).hasSize(2).allSatisfy((tenant, count) -> assertThat(count).hasValue(1));
		for (String tenant : List.of("a", "b")) {
			assertThat(calls).filteredOn((call) -> call.startsWith(tenant))
				.containsExactlyElementsOf(IntStream.range(0, 10).mapToObj((i) -> tenant + "-" + i).toList());
		}
	}

	@Test
	void theUsageOfACustomerIsChargedOneRowAfterTheOther() {
		willAnswer((call) -> hold(call.getArgument(0))).given(this.billing).charge(anyLong(), anyInt());

		for (int i = 1; i <= 5; i++) {
			use(1, i);
			use(2, i);
		}

		awaitRunning(1L, 1);
		awaitRunning(2L, 1);
		this.permits.release(10);
		then(this.billing).should(timeout(SOON.toMillis())).charge(1, 5);
		then(this.billing).should(timeout(SOON.toMillis())).charge(2, 5);
		InOrder order = inOrder(this.billing);
		IntStream.rangeClosed(1, 5).forEach((i) -> order.verify(this.billing).charge(1, i));
		assertThat(this.most).allSatisfy((customer, count) -> assertThat(count).hasValue(1));
	}

	private void use(long customer, int units) {
		this.jdbcClient.sql("insert into usage (customer_id, units) values (?, ?)")
			.param(customer)
			.param(units)
			.update();
	}

	@Test
	void aRateHoldsForEachKey() {
		given(this.carriers.announce(any(), any())).willReturn(new Answer(200, Duration.ZERO));
		stopClock(Duration.ZERO);

		this.conductor.invokeAll("announce-parcel",
				IntStream.range(0, 110).mapToObj((i) -> Invoke.of(new Parcel("slow", "S-" + i))).toList());
		UUID other = this.conductor.invoke("announce-parcel", new Parcel("quick", "Q-1"));

		awaitState(other, ExecutionState.COMPLETED);
		then(this.carriers).should(timeout(SOON.toMillis()).times(100)).announce(eq("slow"), any());
		stopClock(Duration.ofSeconds(59));
		probe();
		then(this.carriers).should(times(100)).announce(eq("slow"), any());
		stopClock(Duration.ofSeconds(61));
		then(this.carriers).should(timeout(SOON.toMillis()).times(110)).announce(eq("slow"), any());
	}

	@Test
	void aCarrierThatHasEnoughIsLeftAlone() {
		stopClock(Duration.ZERO);
		given(this.carriers.announce(any(), any())).willReturn(new Answer(200, Duration.ZERO));
		given(this.carriers.announce("busy", "B-1")).willReturn(new Answer(429, Duration.ofMinutes(5)))
			.willReturn(new Answer(200, Duration.ZERO));
		UUID refused = this.conductor.invoke("announce-parcel", new Parcel("busy", "B-1"));
		awaitClosedGate();

		UUID same = this.conductor.invoke("announce-parcel", new Parcel("busy", "B-2"));
		UUID other = this.conductor.invoke("announce-parcel", new Parcel("idle", "I-1"));

		awaitState(other, ExecutionState.COMPLETED);
		probe();
		assertThat(find(same).state()).isEqualTo(ExecutionState.READY);
		stopClock(Duration.ofSeconds(301));
		awaitState(same, ExecutionState.COMPLETED);
		assertThat(awaitState(refused, ExecutionState.COMPLETED).attempt()).isOne();
		then(this.carriers).should(times(2)).announce("busy", "B-1");
	}

	@Test
	void aFailureCanCloseTheGate() throws BusyException {
		stopClock(Duration.ZERO);
		given(this.maps.find(any())).willReturn("48.2, 16.4");
		given(this.maps.find("Vienna")).willThrow(new BusyException(Duration.ofMinutes(1))).willReturn("48.2, 16.4");
		UUID refused = this.conductor.invoke("geocode", new Address("Vienna"));
		awaitClosedGate();

		UUID other = this.conductor.invoke("geocode", new Address("Linz"));

		probe();
		assertThat(find(other).state()).isEqualTo(ExecutionState.READY);
		stopClock(Duration.ofSeconds(61));
		awaitState(other, ExecutionState.COMPLETED);
		assertThat(awaitState(refused, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void productsAreIndexedTogether() {
		List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
		willAnswer((call) -> sizes.add(call.<List<?>>getArgument(0).size())).given(this.index).save(any());

		List<UUID> ids = this.conductor.invokeAll("index-product",
				IntStream.range(0, 300).mapToObj((i) -> Invoke.of(new Product("product-" + i))).toList());

		ids.forEach((id) -> awaitState(id, ExecutionState.COMPLETED));
		assertThat(sizes.stream().mapToInt(Integer::intValue).sum()).isEqualTo(300);
		assertThat(sizes).hasSizeLessThan(30).allSatisfy((size) -> assertThat(size).isLessThanOrEqualTo(100));
	}

	@Test
	void eachProductGetsItsPrice() {
		given(this.prices.pricesOf(any()))
			.willAnswer((call) -> call.<List<String>>getArgument(0).stream().map(String::length).toList());

		List<UUID> ids = this.conductor.invokeAll("price-product",
				List.of(Invoke.of(new Product("a")), Invoke.of(new Product("bb")), Invoke.of(new Product("ccc"))));

		assertThat(ids).extracting((id) -> this.conductor.await(id, Products.Price.class, SOON).amount())
			.containsExactly(1, 2, 3);
	}

	@Test
	void aMemberOfABatchMayFailAlone() {
		given(this.push.send(any(), any())).willAnswer((call) -> call.<List<String>>getArgument(0)
			.stream()
			.map((device) -> device.equals("unknown") ? Delivery.UNKNOWN_DEVICE
					: device.equals("away") ? Delivery.TRY_LATER : Delivery.DONE)
			.toList());

		UUID there = this.conductor.invoke("notify-device", new Notification("there", "Hello"));
		UUID away = this.conductor.invoke("notify-device", new Notification("away", "Hello"));
		UUID unknown = this.conductor.invoke("notify-device", new Notification("unknown", "Hello"));

		awaitState(there, ExecutionState.COMPLETED);
		assertThat(awaitState(unknown, ExecutionState.FAILED).error().message()).isEqualTo("There is no such device");
		assertThat(awaitState(away, ExecutionState.SCHEDULED).error().message())
			.isEqualTo("The device could not be reached");
		this.conductor.cancel(away);
	}

	@Test
	void nothingBeginsInAPause() {
		this.maintenance.begin();
		UUID sync = this.conductor.invoke("sync-tenant", new Sync(new Tenant("paused"), 1));
		this.pictures.uploaded(new Picture("paused"));

		probe();
		then(this.crm).should(never()).synchronize(eq("paused"), anyInt());
		then(this.images).should(never()).shrink("paused");
		assertThat(this.jdbcClient.sql("select kind || ' ' || name from conductor.paused order by 1")
			.query(String.class)
			.list()).containsExactly("queue pictures", "task sync-tenant");

		this.maintenance.end();

		awaitState(sync, ExecutionState.COMPLETED);
		then(this.images).should(timeout(SOON.toMillis())).shrink("paused");
	}

	@Test
	void aTaskThatNobodyHasEverServedCannotBePaused() {
		assertThatExceptionOfType(DataAccessException.class).isThrownBy(() -> this.conductor.pauseTask("sync-tennant"))
			.withMessageContaining("'sync-tennant'")
			.withMessageContaining("no worker has ever registered it");
	}

	@Test
	void whatIsNotKeptIsGone() {
		UUID id = this.conductor.invoke("count-visit", new Visit("home"));

		then(this.statistics).should(timeout(SOON.toMillis())).count("home");
		await().atMost(SOON).until(() -> this.conductor.find(id).isEmpty());
	}

	@ParameterizedTest
	@ValueSource(strings = { "keys", "priorities", "concurrency", "rate-limits", "pausing", "retention" })
	void sqlOfThePageRuns(String page) throws IOException {
		List<String> blocks = DocumentationPage.blocks(page, "sql");

		this.transaction.executeWithoutResult((status) -> {
			blocks.forEach(this.jdbcTemplate::execute);
			status.setRollbackOnly();
		});
	}

	private BDDStubber holding(Object key) {
		return willAnswer((call) -> hold(key));
	}

	private Object hold(Object key) throws InterruptedException {
		int now = this.running.computeIfAbsent(key, (k) -> new AtomicInteger()).incrementAndGet();
		this.most.computeIfAbsent(key, (k) -> new AtomicInteger()).accumulateAndGet(now, Math::max);
		try {
			this.permits.acquire();
			return null;
		}
		finally {
			this.running.get(key).decrementAndGet();
		}
	}

	private void awaitRunning(Object key, int count) {
		await().atMost(SOON).until(() -> this.running.getOrDefault(key, new AtomicInteger()).get() == count);
	}

	/**
	 * Wait for an execution that nothing limits: by then, the worker has looked at what
	 * was enqueued before.
	 */
	private void probe() {
		String page = "probe-" + this.probes.incrementAndGet();
		this.conductor.invoke("count-visit", new Visit(page));
		then(this.statistics).should(timeout(SOON.toMillis())).count(page);
	}

	private void awaitClosedGate() {
		await().atMost(SOON)
			.until(() -> this.jdbcClient.sql("select count(*) from conductor.gate_pause where until > conductor.now()")
				.query(Long.class)
				.single() > 0);
	}

	private Execution find(UUID id) {
		return this.conductor.find(id).orElseThrow();
	}

	private Execution awaitState(UUID id, ExecutionState state) {
		return await().atMost(SOON).until(() -> find(id), (execution) -> execution.state() == state);
	}

	private void travel(Duration ahead) {
		clock("pg_catalog.now() + interval '" + ahead.toSeconds() + " seconds'");
	}

	private void stopClock(Duration ahead) {
		clock("timestamptz '" + this.start.plus(ahead) + "'");
	}

	/**
	 * Replace the database's clock, and let the promoter and workers look at it.
	 */
	private void clock(String now) {
		this.jdbcClient.sql(
				"create or replace function conductor.now() returns timestamptz language sql stable parallel safe as $$select "
						+ now + "$$")
			.update();
		this.jdbcClient.sql("select conductor.wake('promoter'), conductor.wake('queue:default')").query().listOfRows();
	}

}
