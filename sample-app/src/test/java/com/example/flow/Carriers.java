package com.example.flow;

import java.time.Duration;

interface Carriers {

	Answer announce(String carrier, String parcel);

	record Answer(int status, Duration retryAfter) {
	}

}
