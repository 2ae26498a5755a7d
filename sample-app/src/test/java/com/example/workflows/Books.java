package com.example.workflows;

import java.time.Duration;
import java.util.List;

import com.example.workflows.Chapters.Chapter;
import com.example.workflows.Chapters.Rendered;
import io.pgconductor.ChildFailedException;
import io.pgconductor.ChildTimeoutException;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Books {

	@Task(name = "render-book")
	int render(Book book, TaskContext context) {
		Rendered preface = context.invoke("preface", Chapters.RENDER, book.preface());
		List<Rendered> chapters = context.invokeAll("chapters", Chapters.RENDER, book.chapters());
		return preface.pages() + chapters.stream().mapToInt(Rendered::pages).sum();
	}

	@Task(name = "preview-book")
	String preview(Book book, TaskContext context) {
		try {
			Rendered preface = context.invoke("preface", Chapters.RENDER, book.preface(), Duration.ofMinutes(10));
			return preface.pages() + " pages to read";
		}
		catch (ChildFailedException ex) {
			return "No preview: " + ex.error().message();
		}
		catch (ChildTimeoutException ex) {
			return "No preview yet";
		}
	}

	record Book(Chapter preface, List<Chapter> chapters) {
	}

}
