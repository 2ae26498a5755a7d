package io.pgconductor.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;

/**
 * What it costs a writer that a table has a trigger: one whose condition isn't met, one
 * that enqueues an execution, and one that somebody has written to insert the same
 * execution; beside the bare table.
 */
final class RowChanges implements Scenario {

	private static final int CLIENTS = 8;

	// Each is a commit
	private static final int SHARE = 10;

	private static final int WIDE_SHARE = 40;

	// So that all clients have an equal share of each turn
	private static final int PORTION = 20 * CLIENTS;

	private static final int WIDE_LENGTH = 20_000;

	private static final double MICROS = 1e6;

	// What the mood of the machine adds to a ratio
	private static final double TOLERANCE = 0.95;

	@Override
	public String name() {
		return "row-changes";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		SideBySide.Amount single = amount(options.executions() / SHARE);
		double insert;
		double update;
		try (Shop shop = new Shop(database, "")) {
			insert = compare(shop, options, report, "inserts", single, ShopTable::insert);
			shop.fill(single.count());
			update = compare(shop, options, report, "updates", single, ShopTable::update);
			shop.fill(0);
			compareBulk(shop, options, report);
		}
		SideBySide.Amount wide = amount(options.executions() / WIDE_SHARE);
		try (Shop shop = new Shop(database, note())) {
			compareWide(shop, options, report, "inserts", wide, ShopTable::insert, insert);
			shop.fill(wide.count());
			compareWide(shop, options, report, "updates", wide, ShopTable::update, update);
		}
	}

	private static SideBySide.Amount amount(int count) {
		return new SideBySide.Amount(Math.max(count / PORTION, 1) * PORTION, 1, CLIENTS);
	}

	// Neither compression nor a short cut makes it smaller
	private static String note() {
		return new Random(1).ints(WIDE_LENGTH, '!', '~')
			.collect(StringBuilder::new, (text, c) -> text.append((char) c), StringBuilder::append)
			.toString();
	}

	private double compare(Shop shop, BenchmarkOptions options, Report report, String what, SideBySide.Amount amount,
			ObjIntConsumer<ShopTable> write) {
		List<Line> lines = measure(shop, options, what + ", " + CLIENTS + " clients", amount, write);
		report.add(lines.get(0));
		report.add(lines.get(1).against(lines.get(0), Target.atLeast(0.95)));
		Line matching = report.add(lines.get(2).against(lines.get(0), Target.atLeast(0.55)));
		report.add(lines.get(3));
		report.add(lines.get(2).against(lines.get(3), Target.atLeast(0.9)));
		return matching.ratio();
	}

	private void compareWide(Shop shop, BenchmarkOptions options, Report report, String what, SideBySide.Amount amount,
			ObjIntConsumer<ShopTable> write, double narrow) {
		List<Line> lines = measure(shop, options, what + " of " + WIDE_LENGTH / 1000 + " kB", amount, write);
		report.add(lines.get(0));
		report.add(lines.get(1).against(lines.get(0)));
		report.add(lines.get(2).against(lines.get(0), Target.atLeast(Math.round(narrow * TOLERANCE * 100) / 100.0)));
		report.add(lines.get(3));
	}

	private void compareBulk(Shop shop, BenchmarkOptions options, Report report) {
		int count = options.executions();
		List<Line> lines = measure(shop, options, "bulk insert", new SideBySide.Amount(count, count, 1),
				(table, number) -> table.insertAll(count));
		report.add(lines.get(0));
		for (Line line : lines.subList(1, lines.size())) {
			report.add(line.against(lines.get(0)));
		}
		List<Double> more = IntStream.range(0, options.rounds())
			.mapToObj(
					(round) -> MICROS / lines.get(2).samples().get(round) - MICROS / lines.get(0).samples().get(round))
			.toList();
		report.add(Line.of(name(), "trigger that matches, bulk insert, beyond bare", more, "us a row")
			.toReach(Target.atMost(25)));
	}

	private List<Line> measure(Shop shop, BenchmarkOptions options, String what, SideBySide.Amount amount,
			ObjIntConsumer<ShopTable> write) {
		List<List<Double>> rates = SideBySide.measure(shop.database(), options.rounds(), amount,
				shop.tables().stream().map((table) -> (IntConsumer) (number) -> write.accept(table, number)).toList(),
				() -> shop.verify(amount.count()));
		List<Line> lines = new ArrayList<>();
		for (int i = 0; i < rates.size(); i++) {
			lines.add(Line.of(name(), shop.tables().get(i).label() + ", " + what, rates.get(i), "per s"));
		}
		return lines;
	}

}
