package com.example.workflows;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Reindexing {

	private final SearchIndex index;

	Reindexing(SearchIndex index) {
		this.index = index;
	}

	@Task(name = "reindex", timeout = "1h")
	void reindex(Reindex payload, TaskContext context) {
		for (int i = 1; i <= payload.pages(); i++) {
			int page = i;
			context.step("page-" + page, () -> this.index.load(page));
			context.progress((double) page / payload.pages(), page + " of " + payload.pages());
		}
	}

	@Task(name = "clean-index")
	void clean(TaskContext context) {
		while (this.index.removeNextOutdated()) {
			context.checkpoint();
		}
	}

	record Reindex(int pages) {
	}

}
