package com.example.triggers;

import java.time.Duration;
import java.util.Optional;

import io.pgconductor.EventDefinition;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Approvals {

	static final EventDefinition<Vote> VOTE = EventDefinition.of("vote", Vote.class);

	@Task(name = "approve-budget")
	boolean approve(Budget budget, TaskContext context) {
		Optional<Vote> veto = context.awaitEvent("veto", VOTE, Duration.ofDays(2),
				"$.budget == %d && $.inFavour == false".formatted(budget.id()));
		return veto.isEmpty();
	}

	record Budget(long id) {
	}

	record Vote(long budget, String member, boolean inFavour) {
	}

}
