package com.example.rowchanges;

import java.util.UUID;

interface Crm {

	void save(Contact contact);

	void delete(UUID contact);

}
