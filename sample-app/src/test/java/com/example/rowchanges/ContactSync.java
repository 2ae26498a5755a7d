package com.example.rowchanges;

import io.pgconductor.ExecutionError;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.annotation.OnFailure;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class ContactSync {

	private final Crm crm;

	private final Mail mail;

	ContactSync(Crm crm, Mail mail) {
		this.crm = crm;
		this.mail = mail;
	}

	@Task(name = "sync-contact", queue = "crm", maxAttempts = 5)
	@OnRowChange(table = "contact", when = "NEW.active")
	void syncContact(Contact contact) {
		this.crm.save(contact);
	}

	@OnRowChange(table = "contact", operations = RowOperation.UPDATE, watch = "email")
	void confirmAddress(RowChange<Contact> change) {
		String before = change.oldRow().email();
		String after = change.newRow().email();
		this.mail.send(after, "Is this you? So far we wrote to " + before);
	}

	@OnRowChange(table = "contact", operations = RowOperation.DELETE)
	void forgetContact(Contact contact) {
		this.crm.delete(contact.id());
	}

	@OnFailure("sync-contact")
	void reportContact(Contact contact, ExecutionError error) {
		this.mail.send("admin@example.com", "Contact " + contact.id() + " is not in the CRM: " + error.message());
	}

}
