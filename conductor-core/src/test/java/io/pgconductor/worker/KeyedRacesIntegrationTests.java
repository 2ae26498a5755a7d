package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.testing.KeyedTask;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Two nodes that claim what several writers change all the time.
 */
class KeyedRacesIntegrationTests {

	private static final int ROUNDS = 200;

	private static final int WRITERS = 4;

	private static final int CHANGES = 6;

	// What has become of each execution, as the transactions saw it that did it
	private static final String AUDIT = """
			create table ${schema}.audit (id uuid, key text, what text, xid xid8, snapshot pg_snapshot);
			create function ${schema}.audit() returns trigger language plpgsql as $$
			begin
			    if tg_op = 'INSERT' then
			        insert into ${schema}.audit
			        values (new.id, new.coalesce_key, 'enqueued', pg_current_xact_id(), pg_current_snapshot());
			        return new;
			    end if;
			    if old.claimed_by is null and new.claimed_by is not null and new.coalesce_key is not null then
			        insert into ${schema}.audit
			        values (new.id, new.coalesce_key, 'claimed', pg_current_xact_id(), pg_current_snapshot());
			    end if;
			    if old.coalesce_key is not null and new.coalesce_key is null then
			        insert into ${schema}.audit
			        values (new.id, old.coalesce_key, 'begun', pg_current_xact_id(), pg_current_snapshot());
			    end if;
			    return new;
			end $$;
			create trigger audit before insert or update on ${schema}.execution
			for each row execute function ${schema}.audit()
			""";

	// Before a newer one begins, its node can see the older one, which begins afterwards
	// nevertheless
	private static final String TOO_LATE = """
			select count(*)
			from ${schema}.audit older_begun
			join ${schema}.audit older on older.id = older_begun.id and older.what = 'enqueued'
			join ${schema}.audit newer on newer.key = older.key and newer.id > older.id and newer.what = 'claimed'
			join ${schema}.audit newer_begun on newer_begun.id = newer.id and newer_begun.what = 'begun'
			where older_begun.what = 'begun'
			  and pg_visible_in_snapshot(older.xid, newer.snapshot)
			  and pg_visible_in_snapshot(newer_begun.xid, older_begun.snapshot)
			""";

	private final ExecutorService writers = Executors.newFixedThreadPool(WRITERS);

	private TestConductor test;

	private KeyedTask keyed;

	@BeforeEach
	void start() {
		this.test = new TestConductor(KeyedRacesIntegrationTests.class);
		this.test.sql(AUDIT).update();
		this.keyed = new KeyedTask(this.test, "task");
		for (int i = 0; i < 2; i++) {
			this.test
				.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withFetchBatchSize(7)),
						this.keyed.task())
				.start();
		}
	}

	@AfterEach
	void close() {
		this.writers.shutdownNow();
		this.test.close();
	}

	@Test
	void runsTheLastOfEachKeyOnceAndNoneAfterANewerOne() {
		AtomicInteger numbers = new AtomicInteger();
		for (int round = 0; round < ROUNDS; round++) {
			int roundNo = round;
			List<CompletableFuture<Void>> writing = new ArrayList<>();
			for (int writer = 0; writer < WRITERS; writer++) {
				writing.add(CompletableFuture.runAsync(() -> {
					for (int i = 0; i < CHANGES; i++) {
						this.keyed.change(numbers.incrementAndGet(), "key " + roundNo + " " + i % 2);
					}
				}, this.writers));
			}
			writing.forEach(CompletableFuture::join);
			this.keyed.awaitLive(0);
		}

		assertThat(this.keyed.runs()).doesNotHaveDuplicates().hasSizeLessThan(numbers.get());
		assertThat(count("select count(*) from ${schema}.audit where what = 'begun'"))
			.isEqualTo(this.keyed.runs().size());
		assertThat(count("select count(distinct key) from ${schema}.audit")).isEqualTo(2 * ROUNDS);
		assertThat(count("""
				select count(*) from (select distinct on (key) id from ${schema}.audit order by key, id desc) last
				where exists (select from ${schema}.finished_execution f where f.id = last.id and f.state = 'completed')
				""")).isEqualTo(2 * ROUNDS);
		assertThat(count(TOO_LATE)).isZero();
	}

	private long count(String sql) {
		return this.test.sql(sql).query(Long.class).single();
	}

}
