package io.pgconductor.benchmark;

import java.util.List;

import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.TaskSpec;

/**
 * How many events a client emits that one task subscribes to, beside bare inserts of the
 * same two rows, the event and the execution, by one statement through the same pool.
 */
final class EmitRate implements Scenario {

	private static final String EVENT = "order.placed";

	private static final String SUBSCRIBER = "subscriber";

	private static final int CLIENTS = 8;

	// Each is a commit
	private static final int SHARE = 10;

	@Override
	public String name() {
		return "emit";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		TaskSpec subscriber = EngineNode.task(SUBSCRIBER, (event, context) -> null)
			.withTriggers(List.of(EventTrigger.of(EVENT, null, null)));
		try (EngineNode node = new EngineNode(database, (event, context) -> null, subscriber)) {
			// Subscribes; what is emitted is to stay
			node.start();
		}
		compare(database, options, report, 1);
		compare(database, options, report, CLIENTS);
	}

	private void compare(BenchmarkDatabase database, BenchmarkOptions options, Report report, int clients) {
		int count = options.executions() / SHARE / CLIENTS * CLIENTS;
		BareInserts bare = new BareInserts(database.applicationPool());
		SideBySide rates = SideBySide.measure(database, options.rounds(), new SideBySide.Amount(count, 1, clients),
				(number) -> bare.insertWithEvent(Order.of(number), EVENT, SUBSCRIBER),
				(number) -> database.conductor().emit(EVENT, Order.of(number)), () -> verify(database));
		String how = (clients == 1) ? "one client" : clients + " clients";
		Line floor = report.add(Line.of(name(), "bare inserts, " + how, rates.bare(), "per s"));
		report.add(Line.of(name(), "emit, " + how, rates.engine(), "per s").against(floor, Target.atLeast(0.5)));
	}

	private static void verify(BenchmarkDatabase database) {
		long events = database.number("select count(*) from ${schema}.event");
		long executions = database.number("select count(*) from ${schema}.execution where phase = 'due'");
		if (events == 0 || events != executions) {
			throw new IllegalStateException(events + " events have made " + executions + " executions");
		}
	}

}
