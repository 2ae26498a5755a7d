package io.pgconductor.sample;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.springframework.test.web.servlet.client.RestTestClient;

import static org.awaitility.Awaitility.await;

/**
 * The shop in a JVM of its own, to be killed.
 */
final class ShopProcess implements AutoCloseable {

	private static final Pattern LISTENS = Pattern.compile("The shop listens on (http://localhost:\\d+)");

	private final Process process;

	private final Path output;

	private ShopProcess(Process process, Path output) {
		this.process = process;
		this.output = output;
	}

	static ShopProcess start(String... arguments) {
		try {
			Path output = Files.createTempFile("shop-", ".log");
			output.toFile().deleteOnExit();
			List<String> command = new ArrayList<>(List.of(
					Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-XX:+UseSerialGC",
					"-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
					ShopApplication.class.getName(), "--server.port=0", "--logging.level.io.pgconductor.sample=info"));
			command.addAll(Arrays.asList(arguments));
			return new ShopProcess(new ProcessBuilder(command).redirectErrorStream(true)
				.redirectOutput(Redirect.to(output.toFile()))
				.start(), output);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * Wait until the shop is open.
	 * @return a client of it
	 */
	RestTestClient awaitOpen() {
		Matcher listens = await().atMost(Duration.ofSeconds(60)).until(() -> LISTENS.matcher(output()), (matcher) -> {
			boolean found = matcher.find();
			if (!found && !this.process.isAlive()) {
				throw new IllegalStateException("The process has ended: " + output());
			}
			return found;
		});
		return RestTestClient.bindToServer().baseUrl(listens.group(1)).build();
	}

	private String output() {
		try {
			return Files.readString(this.output);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * End the process with SIGKILL, and wait until it has ended.
	 */
	void kill() {
		this.process.destroyForcibly();
		await().atMost(Duration.ofSeconds(20)).until(() -> !this.process.isAlive());
	}

	@Override
	public void close() {
		kill();
	}

}
