package com.example.flow;

import java.time.Duration;

interface MapService {

	String find(String address) throws BusyException;

	class BusyException extends Exception {

		private final Duration retryAfter;

		BusyException(Duration retryAfter) {
			this.retryAfter = retryAfter;
		}

		Duration retryAfter() {
			return this.retryAfter;
		}

	}

}
