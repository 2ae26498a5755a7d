package com.example.rowchanges;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;

@Component
class Measurements {

	final BlockingQueue<Measurement> measurements = new LinkedBlockingQueue<>();

	@OnInsert(table = "measurement")
	void check(Measurement measurement) {
		this.measurements.add(measurement);
	}

	enum Quality {

		GOOD, BAD

	}

	record Measurement(long id, Instant takenAt, LocalDate day, Duration took, BigDecimal value,
			@JsonProperty("Unit") String unit, Quality quality, List<String> tags, byte[] raw, JsonNode details,
			BigDecimal twice, @Nullable String note) {
	}

}
