package io.pgconductor.schedule;

import java.sql.Types;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

import io.pgconductor.task.CronTimes;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the database itself can tell of cron expressions.
 */
class CronProblemIntegrationTests {

	private static final String[] ATOMS = { "0", "1", "2", "5", "7", "8", "12", "13", "23", "24", "31", "32", "59",
			"60", "007", "99999999999", "JAN", "dec", "Sun", "sat", "FRI", "mon", "foo", "L", "LW", "15W", "FRIL",
			"2#1", "?", "*", "", "-", "x" };

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(CronProblemIntegrationTests.class);
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private static @Nullable String problem(@Nullable String cron) {
		return test.sql("select coalesce(${schema}.cron_problem(?::text), 'none')")
			.param(1, cron, Types.VARCHAR)
			.query(String.class)
			.single();
	}

	@ParameterizedTest
	@ValueSource(strings = { "* * * * *", "0 9 * * 1-5", "*/5 0,12 1-15/3 JAN,mar-Dec SUN", "59 23 31 12 7",
			"0 0 * * 5-0", "0 0 * * fri-SUN", "0 0 * * 7-3", "0 0 L * *", "0 0 15W * ?", "0 0 ? * FRI#2",
			"0 0 * * FRIL", "5/15 * * * *", "*/60 */24 */31 */12 */7", "0  0   1 1 *", "@daily", "@Hourly", "@YEARLY",
			"@annually", "@monthly", "@weekly", "@midnight", "*/10 * * * * *", "0 0 0 ? * MON#1", "0 0 30 2 *" })
	void acceptsWhatMayBeRight(String cron) {
		assertThat(problem(cron)).isEqualTo("none");
	}

	@ParameterizedTest
	@CsvSource({ "60 * * * *,minute", "* 24 * * *,hour", "* * 0 * *,day of month", "* * 32 * *,day of month",
			"* * * 0 *,month", "* * * 13 *,month", "* * * * 8,day of week", "* * * foo *,month",
			"* * * * jan,day of week", "mon * * * *,minute", "*/0 * * * *,minute", "*/61 * * * *,minute",
			"* */25 * * *,hour", "* * * * */8,day of week", "5-1 * * * *,ends before it begins",
			"* * * DEC-JAN *,ends before it begins", "'1,,2 * * * *',minute", "',1 * * * *',minute",
			"1-2-3 * * * *,minute", "1- * * * *,minute", "*-5 * * * *,minute", "1/2/3 * * * *,minute",
			"1/ * * * *,minute", "1.5 * * * *,minute", "-1 * * * *,minute", "? * * * *,minute", "L * * * *,minute",
			"99999999999 * * * *,minute", "* * * *,five fields", "* * * * * * *,five fields", "nonsense,five fields",
			"'',five fields", "@noon,@daily", "@,@daily", "' * * * * *',no space at either end",
			"'* * * * * ',no space at either end", "* * * * * $,characters that no", "0 0 * * *;drop,day of week" })
	void saysWhatIsWrong(String cron, String part) {
		assertThat(problem(cron)).contains(part);
	}

	@ParameterizedTest
	@ValueSource(strings = { "*\t* * * *", "* * * * *\n", "* * * *\u00a0*", "* * * *\u2003* ", "* * * * \u0085",
			"\u0661 * * * *", "* * * * MÖN", "\u001b[1m * * * *" })
	void acceptsPrintableAsciiOnly(String cron) {
		assertThat(problem(cron)).contains("printable ASCII");
	}

	@Test
	void boundsTheLength() {
		assertThat(problem("0,".repeat(95) + "0 * * * *")).isEqualTo("none");
		assertThat(problem("0,".repeat(100) + "0 * * * *")).contains("200");
		assertThat(problem(null)).contains("200");
	}

	@Test
	void agreesWithWhatComputesTheTimes() {
		Random random = new Random(4);
		Map<String, String> expected = new LinkedHashMap<>();
		while (expected.size() < 5000) {
			List<String> fields = new ArrayList<>();
			for (int i = 0; i < 5; i++) {
				fields.add(random.nextInt(3) == 0 ? field(random) : "*");
			}
			String cron = String.join(" ", fields);
			expected.put(cron, problemInJava(cron));
		}

		Map<String, String> actual = new LinkedHashMap<>();
		test.sql("select cron, coalesce(${schema}.cron_problem(cron), 'none') as problem from unnest(?::text[]) cron")
			.param(1, expected.keySet().toArray(String[]::new))
			.query((rs) -> {
				actual.put(rs.getString("cron"), rs.getString("problem"));
			});

		assertThat(actual).hasSameSizeAs(expected);
		int refused = 0;
		for (Map.Entry<String, String> entry : expected.entrySet()) {
			String cron = entry.getKey();
			boolean wrong = !entry.getValue().equals("none");
			// What is special is up to the node
			boolean special = cron.toUpperCase(Locale.ROOT).matches(".*[LW#?].*");
			if (!wrong || !special) {
				assertThat(actual.get(cron).equals("none")).as(cron + ": " + entry + " and " + actual.get(cron))
					.isEqualTo(!wrong);
			}
			refused += wrong ? 1 : 0;
		}
		assertThat(refused).isBetween(1000, 4000);
	}

	private static String field(Random random) {
		List<String> parts = new ArrayList<>();
		for (int i = random.nextInt(3); i >= 0; i--) {
			String part = atom(random);
			if (random.nextInt(3) == 0) {
				part += "-" + atom(random);
			}
			if (random.nextInt(4) == 0) {
				part += "/" + atom(random);
			}
			parts.add(part);
		}
		return String.join(",", parts);
	}

	private static String atom(Random random) {
		return random.nextInt(5) > 0 ? Integer.toString(random.nextInt(13)) : ATOMS[random.nextInt(ATOMS.length)];
	}

	private static String problemInJava(String cron) {
		try {
			CronTimes.parse(cron, ZoneOffset.UTC);
			return "none";
		}
		catch (IllegalArgumentException ex) {
			return ex.getMessage().contains("no date has") ? "none" : ex.getMessage();
		}
	}

}
