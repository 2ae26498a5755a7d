package com.example.workflows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import com.example.workflows.Bank.Receipt;
import com.example.workflows.Books.Book;
import com.example.workflows.Chapters.Chapter;
import com.example.workflows.Checkout.Cart;
import com.example.workflows.ContactSync.SyncContact;
import com.example.workflows.PriceImport.ImportPrices;
import com.example.workflows.Reindexing.Reindex;
import com.example.workflows.Transfers.Transfer;
import com.example.workflows.Trials.Trial;
import com.example.workflows.Videos.Video;
import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionProgress;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.TaskContext;
import io.pgconductor.sample.TestDatabaseConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.mockito.InOrder;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.transaction.support.TransactionOperations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.BDDMockito.given;
import static org.mockito.BDDMockito.then;
import static org.mockito.BDDMockito.willAnswer;
import static org.mockito.BDDMockito.willDoNothing;
import static org.mockito.BDDMockito.willReturn;
import static org.mockito.BDDMockito.willThrow;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.times;

/**
 * Runs the workflows that the pages in docs show.
 */
@SpringBootTest(classes = WorkflowsApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "spring.config.location=classpath:workflows/application.yml")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class WorkflowsIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	@Autowired
	private ConductorClient conductor;

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private TransactionOperations transaction;

	@Autowired
	private Support support;

	@Autowired
	private Subscriptions subscriptions;

	@MockitoBean
	private Bank bank;

	@MockitoBean
	private Warehouse warehouse;

	@MockitoBean
	private Crm crm;

	@MockitoBean
	private Mail mail;

	@MockitoBean
	private PriceList prices;

	@MockitoBean
	private SearchIndex index;

	@MockitoBean
	private Encoder encoder;

	@AfterEach
	void comeBack() {
		travel(Duration.ZERO);
	}

	@Test
	void repeatsNoStepWhenALaterOneFails() throws IOException {
		given(this.bank.charge(anyString(), anyInt())).willReturn(new Receipt("R-1", 30));
		willThrow(new IOException("closed")).willThrow(new IOException("closed"))
			.willDoNothing()
			.given(this.warehouse)
			.pack(anyLong());

		UUID id = this.conductor.invoke("checkout", new Cart("ada-1", 30));

		Execution execution = awaitState(id, ExecutionState.COMPLETED);
		assertThat(execution.attempt()).isEqualTo(3);
		assertThat(steps(execution)).containsExactly("create-order", "charge", "pack");
		assertThat(execution.result()).hasToString("{\"number\":\"R-1\",\"amount\":30}");
		assertThat(orders("ada-1")).isEqualTo(1);
		then(this.bank).should(times(1)).charge(anyString(), anyInt());
	}

	@Test
	void goesOnFromItsStepsWhenItIsRetriedByHand() throws IOException {
		given(this.bank.charge(anyString(), anyInt())).willReturn(new Receipt("R-2", 40));
		willThrow(new IOException("closed")).given(this.warehouse).pack(anyLong());
		UUID id = this.conductor.invoke("checkout", new Cart("ada-2", 40), InvokeOptions.defaults().maxAttempts(1));
		awaitState(id, ExecutionState.FAILED);

		willDoNothing().given(this.warehouse).pack(anyLong());
		assertThat(this.support.tryAgain(id)).isTrue();

		awaitState(id, ExecutionState.COMPLETED);
		assertThat(orders("ada-2")).isEqualTo(1);
		then(this.bank).should(times(1)).charge(anyString(), anyInt());
	}

	@Test
	void tellsTheCustomerWhenItHasFailedForGood() throws IOException {
		given(this.bank.charge(anyString(), anyInt())).willReturn(new Receipt("R-3", 50));
		willThrow(new IOException("closed")).given(this.warehouse).pack(anyLong());

		UUID id = this.conductor.invoke("checkout", new Cart("ada-3", 50), InvokeOptions.defaults().maxAttempts(2));

		awaitState(id, ExecutionState.FAILED);
		then(this.mail).should(timeout(SOON.toMillis())).send("ada-3", "We could not complete your order.");
	}

	@Test
	void commitsATransactionalTaskAsAWholeOrNotAtAll() {
		this.jdbcClient.sql("insert into account values ('ada', 100), ('bob', 0)").update();

		UUID first = this.conductor.invoke("transfer", new Transfer("ada", "bob", 30));
		awaitState(first, ExecutionState.COMPLETED);
		UUID second = this.conductor.invoke("transfer", new Transfer("ada", "nobody", 30));
		awaitState(second, ExecutionState.FAILED);

		assertThat(this.jdbcClient.sql("select balance from account order by name").query(Integer.class).list())
			.containsExactly(70, 30);
		assertThat(this.jdbcClient.sql("select count(*) from conductor.executions where task = 'note-transfer'")
			.query(Integer.class)
			.single()).isOne();
	}

	@Test
	void runsWithinItsWindowOnly() {
		ZonedDateTime tomorrow = ZonedDateTime.now(ZoneId.of("Europe/Vienna")).plusDays(1);
		ZonedDateTime opening = tomorrow.truncatedTo(ChronoUnit.DAYS).with(LocalTime.of(22, 0));
		AtomicReference<Instant> closing = new AtomicReference<>();
		willAnswer((call) -> {
			// A handler's clock runs on from its claim: the closing has to come, not to
			// be travelled to
			TaskContext context = TaskContext.current();
			await().atMost(SOON).until(() -> !context.now().isBefore(closing.get()));
			return null;
		}).given(this.prices).load("slow");
		travelTo(tomorrow.with(LocalTime.NOON).toInstant());

		UUID id = this.conductor.invoke("import-prices", new ImportPrices(List.of("quick", "slow", "last")));

		await().atMost(SOON).untilAsserted(() -> assertThat(find(id).runAt()).isEqualTo(opening.toInstant()));
		assertThat(find(id).attempt()).isZero();
		// Until the closing comes within the slow step: a slow machine may need some
		// nights
		for (int night = 1; !steps(find(id)).contains("slow") && night <= 10; night++) {
			closing.set(opening.plusDays(night).with(LocalTime.of(6, 0)).toInstant());
			travelTo(closing.get().minusSeconds(2 + night));
			Instant nextOpening = opening.plusDays(night).toInstant();
			await().atMost(SOON).untilAsserted(() -> assertThat(find(id).runAt()).isEqualTo(nextOpening));
		}
		assertThat(steps(find(id))).containsExactly("quick", "slow");
		travelTo(opening.plusDays(20).toInstant());
		Execution execution = awaitState(id, ExecutionState.COMPLETED);
		assertThat(execution.attempt()).isEqualTo(1);
		assertThat(steps(execution)).containsExactly("quick", "slow", "last");
		then(this.prices).should(times(1)).load("slow");
	}

	@Test
	void endsRetriesWhereTheyAreOfNoUse() {
		given(this.crm.put(1)).willReturn(503, 503, 200);
		given(this.crm.put(2)).willReturn(404);
		given(this.crm.put(3)).willThrow(new IllegalArgumentException("no number"));

		UUID first = this.conductor.invoke("sync-contact", new SyncContact(1));
		UUID second = this.conductor.invoke("sync-contact", new SyncContact(2));
		UUID third = this.conductor.invoke("sync-contact", new SyncContact(3));

		assertThat(awaitState(first, ExecutionState.COMPLETED).attempt()).isEqualTo(3);
		assertThat(awaitState(second, ExecutionState.FAILED).attempt()).isEqualTo(1);
		assertThat(awaitState(third, ExecutionState.FAILED).attempt()).isEqualTo(1);
	}

	@Test
	void triesAgainWhenTheHandlerSaysIt() {
		given(this.crm.put(4)).willReturn(429, 200);

		UUID id = this.conductor.invoke("sync-contact", new SyncContact(4));

		Execution waiting = awaitState(id, ExecutionState.SCHEDULED);
		assertThat(waiting.runAt()).isCloseTo(Instant.now().plus(5, ChronoUnit.MINUTES), within(1, ChronoUnit.MINUTES));
		travel(Duration.ofMinutes(6));
		assertThat(awaitState(id, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void suspendsThroughRetryAdviceThatExcludesTheSignal() {
		UUID id = this.conductor.invoke("fetch-prices", null);

		assertThat(awaitState(id, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
	}

	@Test
	void sleepsForDays() {
		Instant end = Instant.now().plus(30, ChronoUnit.DAYS);

		UUID id = this.conductor.invoke("trial", new Trial("ada", end));

		assertThat(awaitState(id, ExecutionState.WAITING).runAt()).isCloseTo(Instant.now().plus(7, ChronoUnit.DAYS),
				within(1, ChronoUnit.MINUTES));
		travel(Duration.ofDays(8));
		await().atMost(SOON)
			.untilAsserted(() -> assertThat(find(id).runAt()).isCloseTo(end, within(1, ChronoUnit.SECONDS)));
		travel(Duration.ofDays(31));
		Execution execution = awaitState(id, ExecutionState.COMPLETED);
		assertThat(execution.attempt()).isEqualTo(1);
		assertThat(steps(execution)).containsExactly("welcome", "first-week", "ask", "end", "goodbye");
		InOrder order = inOrder(this.mail);
		order.verify(this.mail, times(1)).send("ada", "Welcome!");
		order.verify(this.mail, times(1)).send("ada", "How do you like it?");
		order.verify(this.mail, times(1)).send("ada", "Your trial is over.");
	}

	@Test
	void showsItsProgress() {
		CountDownLatch goOn = new CountDownLatch(1);
		willAnswer((call) -> {
			goOn.await();
			return null;
		}).given(this.index).load(3);

		UUID id = this.conductor.invoke("reindex", new Reindex(4));

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(find(id).progress()).isEqualTo(new ExecutionProgress(0.5, "2 of 4")));
		goOn.countDown();
		assertThat(steps(awaitState(id, ExecutionState.COMPLETED))).containsExactly("page-1", "page-2", "page-3",
				"page-4");
	}

	@Test
	void runsALoopWithCheckpoints() {
		given(this.index.removeNextOutdated()).willReturn(true, true, false);

		UUID id = this.conductor.invoke("clean-index", null);

		awaitState(id, ExecutionState.COMPLETED);
		then(this.index).should(times(3)).removeNextOutdated();
	}

	@Test
	void addsUpWhatItsChildrenReturn() {
		Book book = new Book(new Chapter("Preface", "…"), List.of(new Chapter("One", "…"), new Chapter("Two", "…")));

		UUID id = this.conductor.invoke("render-book", book);

		Execution execution = awaitState(id, ExecutionState.COMPLETED);
		assertThat(execution.result()).hasToString("3");
		assertThat(steps(execution)).containsExactly("preface", "chapters");
		assertThat(execution.children()).hasSize(3).allSatisfy((child) -> {
			assertThat(find(child).parent()).isEqualTo(id);
			assertThat(find(child).queue()).isEqualTo("render");
		});
	}

	@Test
	void failsWithAChildThatFailsForGood() {
		Book book = new Book(new Chapter("Preface", "…"), List.of(new Chapter("One", "")));

		UUID id = this.conductor.invoke("render-book", book);

		Execution execution = awaitState(id, ExecutionState.FAILED);
		assertThat(execution.attempt()).isEqualTo(1);
		assertThat(execution.error()).isNotNull()
			.satisfies((error) -> assertThat(error.type()).isEqualTo("io.pgconductor.ChildFailedException"));
	}

	@Test
	void catchesTheFailureOfAChild() {
		Book book = new Book(new Chapter("Preface", ""), List.of());

		UUID id = this.conductor.invoke("preview-book", book);

		assertThat(awaitState(id, ExecutionState.COMPLETED).result()).hasToString("\"No preview: 'Preface' is empty\"");
	}

	@Test
	void cancelsWhatSleepsWhenTheTransactionCommits() {
		UUID id = this.conductor.invoke("trial", new Trial("ada", Instant.now().plus(30, ChronoUnit.DAYS)));
		awaitState(id, ExecutionState.WAITING);
		long subscription = this.jdbcClient.sql("insert into subscription (execution_id) values (?) returning id")
			.param(id)
			.query(Long.class)
			.single();

		this.transaction.executeWithoutResult((status) -> {
			this.subscriptions.end(subscription, "changed their mind");
			status.setRollbackOnly();
		});
		assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING);
		this.subscriptions.end(subscription, "changed their mind");

		Execution cancelled = find(id);
		assertThat(cancelled.state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("changed their mind");
	}

	@Test
	void interruptsWhatRuns() {
		CompletableFuture<Void> encoding = new CompletableFuture<>();
		willReturn(encoding).given(this.encoder).start("film.mkv");
		UUID id = this.conductor.invoke("encode-video", new Video("film.mkv"));
		awaitState(id, ExecutionState.RUNNING);

		assertThat(
				this.jdbcClient.sql("select conductor.cancel(?, 'wrong file')").param(id).query(Boolean.class).single())
			.isTrue();

		Execution cancelled = awaitState(id, ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("wrong file");
		await().atMost(SOON).untilAsserted(() -> assertThat(encoding).isCancelled());
	}

	@Test
	void runsTheSqlOfThePageAboutCancellation() throws IOException {
		String page = Files.readString(Path.of("../docs/cancellation.md"));
		String sql = Pattern.compile("```sql\\n(.*?)```", Pattern.DOTALL)
			.matcher(page)
			.results()
			.map((block) -> block.group(1))
			.collect(Collectors.joining());
		UUID id = this.conductor.invoke("trial", new Trial("ada", Instant.now().plus(30, ChronoUnit.DAYS)));
		awaitState(id, ExecutionState.WAITING);
		String[] statements = sql.replaceFirst("'[0-9a-f-]{36}'", "'" + id + "'").split(";");

		assertThat(this.jdbcClient.sql(statements[0]).query(Boolean.class).single()).isTrue();

		assertThat(this.jdbcClient.sql(statements[1]).query().listOfRows())
			.contains(Map.of("task", "trial", "cancel_reason", "ordered twice"));
	}

	@Test
	void tellsALoopThatItIsCancelled() {
		given(this.encoder.encodeNextFrame(any())).willReturn(true);
		UUID id = this.conductor.invoke("encode-frames", new Video("film.mkv"));
		awaitState(id, ExecutionState.RUNNING);

		assertThat(this.conductor.cancel(id)).isTrue();

		awaitState(id, ExecutionState.CANCELLED);
		assertThat(this.conductor.cancel(id)).isFalse();
	}

	private Execution find(UUID id) {
		return this.conductor.find(id).orElseThrow();
	}

	private Execution awaitState(UUID id, ExecutionState state) {
		return await().atMost(SOON).until(() -> find(id), (execution) -> execution.state() == state);
	}

	private static List<String> steps(Execution execution) {
		return execution.steps().stream().map(ExecutionStep::name).toList();
	}

	private long orders(String customer) {
		return this.jdbcClient.sql("select count(*) from orders where customer = ?")
			.param(customer)
			.query(Long.class)
			.single();
	}

	private void travelTo(Instant time) {
		travel(Duration.between(Instant.now(), time).plusSeconds(1));
	}

	/**
	 * Put the database's clock forward, and let the promoter look at it.
	 */
	private void travel(Duration ahead) {
		this.jdbcClient
			.sql("create or replace function conductor.now() returns timestamptz language sql stable "
					+ "parallel safe as 'select pg_catalog.now() + interval ''" + ahead.toSeconds() + " seconds'''")
			.update();
		this.jdbcClient.sql("select conductor.wake('promoter')").query(Boolean.class).single();
	}

}
