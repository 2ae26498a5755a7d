package com.example.rowchanges;

import java.util.UUID;

interface SearchIndex {

	void update(UUID contact);

}
