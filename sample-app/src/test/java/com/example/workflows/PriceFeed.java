package com.example.workflows;

import java.time.Duration;

import io.pgconductor.SuspensionSignal;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.resilience.annotation.Retryable;
import org.springframework.stereotype.Component;

@Component
class PriceFeed {

	@Task(name = "fetch-prices")
	@Retryable(excludes = SuspensionSignal.class)
	void fetch(TaskContext context) {
		context.sleep("not-at-once", Duration.ofSeconds(1));
	}

}
