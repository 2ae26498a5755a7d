package io.pgconductor.sample.mail;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

/**
 * Sends e-mails, on a queue of their own so that nothing else waits for them.
 */
@Component
class Mailer {

	/**
	 * Send an e-mail. This one only writes it to the log.
	 * @param email the e-mail
	 * @param context the execution
	 * @return when it was sent
	 */
	@Task(name = "send-email", queue = "mail", timeout = "30s")
	Sent send(SendEmail email, TaskContext context) {
		context.logger().info("To {}: {}", email.to(), email.text());
		return new Sent(context.now());
	}

}
