package com.example.rowchanges;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;

import io.pgconductor.ConductorClient;
import io.pgconductor.RowReplay;
import org.springframework.stereotype.Service;

@Service
class Backfill {

	private final ConductorClient conductor;

	Backfill(ConductorClient conductor) {
		this.conductor = conductor;
	}

	long syncAgain(Instant since) {
		return this.conductor.replay("sync-contact", RowReplay.of("contact")
			.where("active and created_at >= :since", Map.of("since", since.atOffset(ZoneOffset.UTC))));
	}

}
