package com.example.rowchanges;

import java.util.UUID;

import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Search {

	private final SearchIndex index;

	Search(SearchIndex index) {
		this.index = index;
	}

	@Task(name = "index-contact")
	@OnRowChange(table = "contact", payload = RowPayload.ROW_ID, dedupeKey = "{id}", delay = "2s")
	@OnRowChange(table = "address", operations = { RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE },
			payload = RowPayload.CUSTOM, mapping = "id=contact_id", dedupeKey = "{contact_id}", delay = "2s")
	void indexContact(ContactId contact) {
		this.index.update(contact.id());
	}

	record ContactId(UUID id) {
	}

}
