package com.example.workflows;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Videos {

	private final Encoder encoder;

	Videos(Encoder encoder) {
		this.encoder = encoder;
	}

	@Task(name = "encode-video")
	void encode(Video video) throws InterruptedException, ExecutionException {
		Future<?> encoding = this.encoder.start(video.file());
		try {
			encoding.get();
		}
		catch (InterruptedException ex) {
			encoding.cancel(true);
			throw ex;
		}
	}

	@Task(name = "encode-frames")
	void encodeFrames(Video video, TaskContext context) {
		while (!context.isCancelled() && this.encoder.encodeNextFrame(video.file())) {
			context.logger().debug("One more frame of {}", video.file());
		}
	}

	record Video(String file) {
	}

}
