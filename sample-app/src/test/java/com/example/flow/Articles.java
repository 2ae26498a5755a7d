package com.example.flow;

import java.time.Duration;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Articles {

	private final ConductorClient conductor;

	private final SearchIndex index;

	Articles(ConductorClient conductor, SearchIndex index) {
		this.conductor = conductor;
		this.index = index;
	}

	UUID edited(long article) {
		return this.conductor.invoke("index-article", article,
				InvokeOptions.defaults()
					.dedupeKey("article-" + article)
					.debounce(Duration.ofSeconds(10), Duration.ofMinutes(2)));
	}

	@Task(name = "index-article")
	void index(long article) {
		this.index.update(article);
	}

}
