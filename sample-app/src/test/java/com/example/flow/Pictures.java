package com.example.flow;

import java.time.Duration;
import java.time.Instant;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Pictures {

	private final ConductorClient conductor;

	private final ImageService images;

	Pictures(ConductorClient conductor, ImageService images) {
		this.conductor = conductor;
		this.images = images;
	}

	@Task(name = "shrink-picture", queue = "pictures", priority = -10)
	void shrink(Picture picture) {
		this.images.shrink(picture.file());
	}

	void imported(Picture picture) {
		this.conductor.invoke("shrink-picture", picture);
	}

	void uploaded(Picture picture) {
		this.conductor.invoke("shrink-picture", picture, InvokeOptions.defaults().priority(10));
	}

	void changed(Picture picture, Duration delay) {
		this.conductor.invoke("shrink-picture", picture, InvokeOptions.defaults().delay(delay));
	}

	void published(Picture picture, Instant publication) {
		this.conductor.invoke("shrink-picture", picture, InvokeOptions.defaults().runAt(publication));
	}

	record Picture(String file) {
	}

}
