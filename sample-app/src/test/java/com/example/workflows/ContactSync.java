package com.example.workflows;

import java.io.IOException;
import java.time.Duration;

import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.annotation.Retry;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class ContactSync {

	private final Crm crm;

	ContactSync(Crm crm) {
		this.crm = crm;
	}

	@Task(name = "sync-contact", maxAttempts = 8,
			retry = @Retry(initial = "1s", multiplier = 3, max = "10m", noRetryFor = IllegalArgumentException.class))
	void sync(SyncContact payload) throws IOException {
		int status = this.crm.put(payload.contactId());
		if (status == 404) {
			throw new NonRetryableException("The CRM has no contact " + payload.contactId());
		}
		if (status == 429) {
			throw new RetryAfterException(Duration.ofMinutes(5));
		}
		if (status != 200) {
			throw new IOException("The CRM answered " + status);
		}
	}

	record SyncContact(long contactId) {
	}

}
