package io.pgconductor.rowchange;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.TableDescription;
import io.pgconductor.jdbc.TableDescription.Column;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

class CaptureScriptTests {

	private static final TableDescription TABLE = new TableDescription("public", "contact", true, true,
			List.of(new Column("id", "integer", "int4", false, true, null),
					new Column("seen", "interval", "interval", false, true, null),
					new Column("photos", "bytea[]", "bytea", true, true, null),
					new Column("at", "timestamp with time zone", "timestamptz", false, true, null),
					new Column("twice", "integer", "int4", false, true, "(id * 2)"),
					new Column("raw", "json", "json", false, true, null)),
			List.of("id"));

	private static CaptureScript script(String task, RowPayload form, int ordinal) {
		Map<String, String> mapping = new LinkedHashMap<>();
		if (form == RowPayload.CUSTOM) {
			mapping.put("userId", "id");
			mapping.put("last", "seen");
		}
		RowChangeTrigger trigger = new RowChangeTrigger("public", "contact",
				Set.of(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE), null, List.of("raw", "at"),
				new RowChangeTrigger.Content(form, null, mapping, true, true), "c-{id}-{at}",
				InvokeOptions.defaults().delay(Duration.ofMillis(1500)).priority(3));
		TaskSpec spec = TaskSpec.of(task, JsonNode.class, (event, context) -> null);
		return new CaptureScript(SchemaName.DEFAULT,
				Capture.of(spec, trigger, TABLE, new JsonMapping(JsonMapping.mapperBuilder().build(), 1_000_000)),
				ordinal);
	}

	// Two nodes with different SQL under the same version would replace each other's
	// triggers over and over. When this fails: raise the version, and take the new digest
	@Test
	void hasAnotherVersionForOtherSql() {
		String digests = Stream.of(RowPayload.values())
			.map((form) -> script("some-task", form, 1).digest().substring(0, 8))
			.collect(Collectors.joining(" "));

		assertThat(CaptureScript.VERSION + ": " + digests).isEqualTo("1: 13838c66 13838c66 75c15aba 67df59f8");
	}

	@Test
	void hasNamesThatNobodyElseHas() {
		List<String> names = Stream
			.of(script("a-b", RowPayload.ROW, 1), script("a_b", RowPayload.ROW, 1), script("a-b", RowPayload.ROW, 2),
					script("x".repeat(200), RowPayload.ROW, 1))
			.flatMap((script) -> script.triggerNames().stream())
			.toList();

		assertThat(names).hasSize(12)
			.doesNotHaveDuplicates()
			.allMatch((name) -> name.matches("conductor_[a-z0-9_]{1,53}"));
		assertThat(script("a-b", RowPayload.ROW_ID, 1).triggerNames())
			.isEqualTo(script("a-b", RowPayload.ROW, 1).triggerNames());
	}

	@Test
	void givesAScriptToRunAsItIs() {
		String text = script("it's", RowPayload.ROW, 1).text("shop", "own\"er");

		assertThat(text).startsWith("begin;\nset local lock_timeout = '1s';\n")
			.endsWith("commit;\n")
			.contains("revoke all on function", "owner to \"own\"\"er\";", "security definer")
			.doesNotContain("${");
	}

}
