package com.example.flow;

import com.example.flow.MapService.BusyException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Geocoding {

	private final MapService maps;

	Geocoding(MapService maps) {
		this.maps = maps;
	}

	@Task(name = "geocode", rateLimit = "10/1s", maxAttempts = 10)
	String geocode(Address address) {
		try {
			return this.maps.find(address.text());
		}
		catch (BusyException ex) {
			throw new RetryAfterException(ex.retryAfter(), "The map service is busy", ex);
		}
	}

	record Address(String text) {
	}

}
