package com.example.flow;

import java.util.List;

import com.example.flow.PushService.Delivery;
import io.pgconductor.BatchContext;
import io.pgconductor.NonRetryableException;
import io.pgconductor.annotation.Batch;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Notifications {

	private final PushService push;

	Notifications(PushService push) {
		this.push = push;
	}

	@Task(name = "notify-device", batch = @Batch(size = 500, timeout = "1s"))
	void send(List<Notification> notifications, BatchContext context) {
		List<Delivery> deliveries = this.push.send(notifications.stream().map(Notification::device).toList(),
				notifications.stream().map(Notification::text).toList());
		for (int i = 0; i < context.size(); i++) {
			switch (deliveries.get(i)) {
				case UNKNOWN_DEVICE -> context.fail(i, new NonRetryableException("There is no such device"));
				case TRY_LATER -> context.fail(i, new IllegalStateException("The device could not be reached"));
				case DONE -> context.logger().debug("{} is delivered", context.executionId(i));
			}
		}
	}

	record Notification(String device, String text) {
	}

}
