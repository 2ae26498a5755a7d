package io.pgconductor.sample.mail;

import io.pgconductor.TaskDefinition;

/**
 * The payload of the task that sends e-mails.
 *
 * @param to the recipient's e-mail address
 * @param text what to say
 */
public record SendEmail(String to, String text) {

	/**
	 * The task: its name, and the types of its payload and result. Those who invoke it
	 * need no more than this.
	 */
	public static final TaskDefinition<SendEmail, Sent> TASK = TaskDefinition.of("send-email", SendEmail.class,
			Sent.class);

}
