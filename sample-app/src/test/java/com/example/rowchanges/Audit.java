package com.example.rowchanges;

import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.TaskEvent;
import io.pgconductor.annotation.Cron;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;

@Component
class Audit {

	private final AuditLog log;

	Audit(AuditLog log) {
		this.log = log;
	}

	@Task(name = "audit")
	@OnRowChange(table = "contact", operations = { RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE },
			payload = RowPayload.ROW, includeMeta = true)
	@OnRowChange(table = "address", operations = RowOperation.DELETE, payload = RowPayload.ROW)
	@Cron("0 0 1 1 *")
	void audit(TaskEvent<?> event) {
		if (event instanceof RowChange<?> change) {
			this.log.write(change.name(), change.oldRow(JsonNode.class), change.newRow(JsonNode.class));
		}
		else {
			this.log.write("A year has passed", null, null);
		}
	}

}
