package io.pgconductor.sample;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/**
 * Says where the shop listens and what to try.
 */
@Component
class WelcomeMessage {

	private static final Logger logger = LoggerFactory.getLogger(WelcomeMessage.class);

	private final Environment environment;

	WelcomeMessage(Environment environment) {
		this.environment = environment;
	}

	@EventListener(ApplicationReadyEvent.class)
	void print() {
		String port = this.environment.getProperty("local.server.port");
		if (port == null) {
			return;
		}
		logger.info("""
				The shop listens on http://localhost:{port}

				Place an order. The answer holds its id:
				  curl -i http://localhost:{port}/orders -H 'Content-Type: application/json' \
				-d '{"customer":"ada@example.com","item":"book","quantity":2}'

				See what has become of the order, and of the execution that fulfils it:
				  curl http://localhost:{port}/orders/1

				See what is in stock, and on its way. Order 60 lamps, and more are ordered:
				  curl http://localhost:{port}/stock

				See what was sold, by a report of every ten seconds, and who has how many loyalty points:
				  curl http://localhost:{port}/report

				See how the shop is doing:
				  curl http://localhost:{port}/actuator/health
				  curl http://localhost:{port}/actuator/metrics/conductor.execution
				""".replace("{port}", port));
	}

}
