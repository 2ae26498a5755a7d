package com.example.rowchanges;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

interface AuditLog {

	void write(String what, @Nullable JsonNode before, @Nullable JsonNode after);

}
