package io.pgconductor.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.worker.ConductorBuilder;
import io.pgconductor.worker.OrchestratorBuilder;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * A node in a JVM of its own, to be killed. Its tasks are
 * <ul>
 * <li>{@code work}: notes its payload, a number, in the table {@code effect}, once
 * however often it runs,</li>
 * <li>{@code family}: has twelve numbers, from a hundred times its payload, noted by
 * children: ten at once, and then one after the other,</li>
 * <li>{@code poison}: takes the JVM with it,</li>
 * <li>{@code endless}: runs until it is interrupted,</li>
 * <li>{@code alone}: notes its payload, and runs until it is interrupted; one at a
 * time,</li>
 * <li>{@code step-transfer}: notes its payload in a transactional step,</li>
 * <li>{@code task-transfer}: notes its payload, and is a transactional task.</li>
 * </ul>
 * When one of each of the last two is about to commit (negative payloads) or has just
 * committed (positive ones), they take the JVM with them.
 */
public final class NodeProcess implements AutoCloseable {

	/**
	 * After this time without heartbeats its work is taken over.
	 */
	public static final Duration NODE_TIMEOUT = Duration.ofSeconds(3);

	private final Process process;

	private final Path output;

	private NodeProcess(Process process, Path output) {
		this.process = process;
		this.output = output;
	}

	/**
	 * Start a node.
	 * @param jdbcUrl the database
	 * @param schema the schema, installed, with a table {@code effect}
	 * @param application the name by which the node can be told from others
	 * @return the node, about to start
	 */
	public static NodeProcess start(String jdbcUrl, String schema, String application) {
		try {
			Path output = Files.createTempFile("conductor-node-", ".log");
			output.toFile().deleteOnExit();
			String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
			Process process = new ProcessBuilder(java, "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
					System.getProperty("java.class.path"), NodeProcess.class.getName(), jdbcUrl, schema, application)
				.redirectErrorStream(true)
				.redirectOutput(Redirect.to(output.toFile()))
				.directory(new File("").getAbsoluteFile())
				.start();
			return new NodeProcess(process, output);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	public static void main(String[] args) {
		SchemaName schema = new SchemaName(args[1]);
		HikariDataSource applicationPool = pool(args[0], args[2], 10);
		Conductor conductor = new ConductorBuilder(applicationPool).engineDataSource(pool(args[0], args[2], 5))
			.schema(schema.value())
			.application(args[2])
			.build();
		TaskRegistry registry = new TaskRegistry();
		tasks(registry, JdbcClient.create(applicationPool),
				schema.sql("insert into ${schema}.effect (n) values (:n) on conflict do nothing"));
		Orchestrator orchestrator = new OrchestratorBuilder(conductor, registry).nodeTimeout(NODE_TIMEOUT)
			.shutdownTimeout(Duration.ofSeconds(1))
			.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(200)))
			.build();
		Runtime.getRuntime().addShutdownHook(new Thread(orchestrator::stop));
		orchestrator.start();
	}

	private static HikariDataSource pool(String jdbcUrl, String application, int size) {
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(jdbcUrl);
		config.addDataSourceProperty("ApplicationName", application);
		config.setMaximumPoolSize(size);
		config.setMinimumIdle(0);
		return new HikariDataSource(config);
	}

	private static void tasks(TaskRegistry registry, JdbcClient jdbc, String effect) {
		registry.register(TaskSpec.of("work", Integer.class, (event, context) -> {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(ThreadLocalRandom.current().nextInt(5)));
			jdbc.sql(effect).param("n", event.payload()).update();
			return null;
		}));
		registry.register(TaskSpec.of("family", Integer.class, (event, context) -> {
			int first = event.payload(Integer.class) * 100;
			context.invokeAll("ten", "work", IntStream.range(first, first + 10).boxed().toList(), Void.class);
			context.invoke("eleventh", "work", first + 10, Void.class);
			context.invoke("twelfth", "work", first + 11, Void.class);
			return first;
		}));
		registry.register(TaskSpec.of("poison", null, (event, context) -> {
			Runtime.getRuntime().halt(1);
			return null;
		}));
		registry.register(TaskSpec.of("endless", null, (event, context) -> {
			new CountDownLatch(1).await();
			return null;
		}));
		registry.register(TaskSpec.of("alone", Integer.class, (event, context) -> {
			jdbc.sql(effect).param("n", event.payload()).update();
			new CountDownLatch(1).await();
			return null;
		}).with(TaskOptions.none().concurrency(1)));
		HaltingCommit halting = new HaltingCommit();
		registry.register(TaskSpec.of("step-transfer", Integer.class, (event, context) -> {
			context.transaction("transfer", () -> {
				jdbc.sql(effect).param("n", event.payload()).update();
				halting.register(event.payload(Integer.class) < 0);
			});
			return null;
		}));
		registry.register(TaskSpec.of("task-transfer", Integer.class, (event, context) -> {
			jdbc.sql(effect).param("n", event.payload()).update();
			halting.register(event.payload(Integer.class) < 0);
			return null;
		}).with(TaskOptions.none().transactional(true)));
	}

	/**
	 * Ends the JVM around the commit of two transactions.
	 */
	private static final class HaltingCommit {

		private final CountDownLatch arrived = new CountDownLatch(2);

		void register(boolean before) {
			TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

				@Override
				public void beforeCommit(boolean readOnly) {
					if (before) {
						halt();
					}
				}

				@Override
				public void afterCommit() {
					halt();
				}

			});
		}

		private void halt() {
			this.arrived.countDown();
			try {
				this.arrived.await();
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
			Runtime.getRuntime().halt(1);
		}

	}

	/**
	 * Wait until the node has registered.
	 * @param test on the same schema
	 * @param application the name that it was started with
	 * @return its id
	 */
	public UUID awaitRegistered(TestConductor test, String application) {
		return Awaitility.await(application)
			.atMost(Duration.ofSeconds(60))
			.until(() -> test.sql("select id from ${schema}.node where application = ? and dead_at is null")
				.param(application)
				.query(UUID.class)
				.optional()
				.orElse(null), (id) -> {
					if (id == null && !isAlive()) {
						throw new IllegalStateException("The process has ended: " + output());
					}
					return id != null;
				});
	}

	/**
	 * End the process with SIGKILL.
	 */
	public void kill() {
		this.process.destroyForcibly();
	}

	/**
	 * Send the process a signal.
	 * @param signal its name, such as {@code TERM}
	 */
	public void send(String signal) {
		try {
			new ProcessBuilder("kill", "-s", signal, Long.toString(this.process.pid())).inheritIO().start().waitFor();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/**
	 * Return whether processes that this one starts don't care about SIGINT.
	 * @return whether it is known that they don't
	 */
	public static boolean wouldIgnoreInterrupt() {
		try (Stream<String> status = Files.lines(Path.of("/proc/thread-self/status"))) {
			return status.filter((line) -> line.startsWith("SigIgn:"))
				.anyMatch((line) -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 0b10) != 0);
		}
		catch (IOException ex) {
			return false;
		}
	}

	public boolean isAlive() {
		return this.process.isAlive();
	}

	/**
	 * Wait for the end of the process.
	 * @return its exit code
	 */
	public int awaitExit() {
		Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> !isAlive());
		return this.process.exitValue();
	}

	/**
	 * Return what the process has said.
	 * @return its standard output and error
	 */
	public String output() {
		try {
			return Files.readString(this.output);
		}
		catch (IOException ex) {
			return ex.toString();
		}
	}

	@Override
	public void close() {
		kill();
		awaitExit();
	}

}
