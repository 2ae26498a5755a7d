package com.example.flow;

import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Feeds {

	private final FeedReader reader;

	Feeds(FeedReader reader) {
		this.reader = reader;
	}

	@Task(name = "import-feed", concurrency = 2)
	void importFeed(Feed feed) {
		this.reader.read(feed.url());
	}

	record Feed(String url) {
	}

}
