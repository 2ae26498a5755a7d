package io.pgconductor.event;

import java.util.List;
import java.util.UUID;

import io.pgconductor.testing.TestConductor;

/**
 * What events have made run: emitters create the executions themselves, so that these are
 * there as soon as the event is.
 */
final class EmittedExecutions {

	private EmittedExecutions() {
	}

	/**
	 * Return the tasks that an event has made run, or makes run still.
	 */
	static List<String> tasks(TestConductor test, UUID event) {
		return test.sql("""
				select task from ${schema}.execution where headers ->> 'conductor.event-id' = :event
				union all
				select task from ${schema}.finished_execution where headers ->> 'conductor.event-id' = :event
				order by task
				""").param("event", event.toString()).query(String.class).list();
	}

	static long countOfName(TestConductor test, String event) {
		return test.sql("""
				select (select count(*) from ${schema}.execution where headers ->> 'conductor.event' = :event)
				     + (select count(*) from ${schema}.finished_execution where headers ->> 'conductor.event' = :event)
				""").param("event", event).query(Long.class).single();
	}

}
