package com.example.workflows;

import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskDefinition;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Chapters {

	static final TaskDefinition<Chapter, Rendered> RENDER = TaskDefinition.of("render-chapter", Chapter.class,
			Rendered.class);

	@Task(name = "render-chapter", queue = "render")
	Rendered render(Chapter chapter) {
		if (chapter.text().isEmpty()) {
			throw new NonRetryableException("'" + chapter.title() + "' is empty");
		}
		return new Rendered(1 + chapter.text().length() / 1800);
	}

	record Chapter(String title, String text) {
	}

	record Rendered(int pages) {
	}

}
