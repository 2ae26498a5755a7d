package com.example.rowchanges;

import java.util.UUID;

import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import org.junit.jupiter.api.Test;

import static org.mockito.BDDMockito.then;
import static org.mockito.Mockito.mock;

class ContactSyncTests {

	private final Mail mail = mock(Mail.class);

	private final ContactSync sync = new ContactSync(mock(Crm.class), this.mail);

	@Test
	void asksWhetherANewAddressIsRight() {
		UUID id = UUID.randomUUID();
		Contact before = new Contact(id, "ada@example.com", "Ada");
		Contact after = new Contact(id, "ada@example.org", "Ada");

		this.sync.confirmAddress(new RowChange<>(RowOperation.UPDATE, "public", "contact", before, after));

		then(this.mail).should().send("ada@example.org", "Is this you? So far we wrote to ada@example.com");
	}

}
