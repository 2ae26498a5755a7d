package io.pgconductor.autoconfigure;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

import io.pgconductor.client.ForeignTransaction;
import io.pgconductor.task.Retention;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/**
 * Configuration properties of Conductor.
 *
 * @since 0.1.0
 */
@ConfigurationProperties("conductor")
public class ConductorProperties {

	/**
	 * Whether to set up Conductor at all.
	 */
	private boolean enabled = true;

	/**
	 * Database schema that holds the tables, in lower case.
	 */
	private String schema = "conductor";

	/**
	 * Owner of what the nodes of this application define. Defaults to
	 * 'spring.application.name'; without either, nothing is ever dropped.
	 */
	private @Nullable String application;

	/**
	 * Whether to install and upgrade the database schema at start. If not, the schema is
	 * only verified.
	 */
	private boolean migrate = true;

	/**
	 * Largest payload or result of an execution, as JSON.
	 */
	private DataSize maxPayloadSize = DataSize.ofMegabytes(1);

	/**
	 * Largest sum of the payloads, and of the results, of one fan-out (invokeAll), as
	 * JSON.
	 */
	private DataSize maxFanInSize = DataSize.ofMegabytes(16);

	/**
	 * What a client call does inside a transaction that is not one of Conductor's data
	 * source.
	 */
	private ForeignTransaction foreignTransaction = ForeignTransaction.FAIL;

	/**
	 * Time within which the executions of a crashed node are running elsewhere. At least
	 * 1s.
	 */
	private Duration nodeTimeout = Duration.ofSeconds(30);

	/**
	 * Time that running handlers are given to return when the application stops, before
	 * they are interrupted.
	 */
	private Duration shutdownTimeout = Duration.ofSeconds(20);

	private final Notifications notifications = new Notifications();

	private final Pool pool = new Pool();

	private final Worker worker = new Worker();

	private final RetentionDefaults retention = new RetentionDefaults();

	private final Schedule schedule = new Schedule();

	private final RowChanges rowChanges = new RowChanges();

	/**
	 * Options of tasks by name, which take precedence over those of their declaration. A
	 * name with other characters than letters, digits and dashes is put in brackets.
	 */
	private final Map<String, Task> tasks = new LinkedHashMap<>();

	public boolean isEnabled() {
		return this.enabled;
	}

	public void setEnabled(boolean enabled) {
		this.enabled = enabled;
	}

	public String getSchema() {
		return this.schema;
	}

	public void setSchema(String schema) {
		this.schema = schema;
	}

	public @Nullable String getApplication() {
		return this.application;
	}

	public void setApplication(@Nullable String application) {
		this.application = application;
	}

	public boolean isMigrate() {
		return this.migrate;
	}

	public void setMigrate(boolean migrate) {
		this.migrate = migrate;
	}

	public DataSize getMaxPayloadSize() {
		return this.maxPayloadSize;
	}

	public void setMaxPayloadSize(DataSize maxPayloadSize) {
		this.maxPayloadSize = maxPayloadSize;
	}

	public DataSize getMaxFanInSize() {
		return this.maxFanInSize;
	}

	public void setMaxFanInSize(DataSize maxFanInSize) {
		this.maxFanInSize = maxFanInSize;
	}

	public ForeignTransaction getForeignTransaction() {
		return this.foreignTransaction;
	}

	public void setForeignTransaction(ForeignTransaction foreignTransaction) {
		this.foreignTransaction = foreignTransaction;
	}

	public Duration getNodeTimeout() {
		return this.nodeTimeout;
	}

	public void setNodeTimeout(Duration nodeTimeout) {
		this.nodeTimeout = nodeTimeout;
	}

	public Duration getShutdownTimeout() {
		return this.shutdownTimeout;
	}

	public void setShutdownTimeout(Duration shutdownTimeout) {
		this.shutdownTimeout = shutdownTimeout;
	}

	public Notifications getNotifications() {
		return this.notifications;
	}

	public Pool getPool() {
		return this.pool;
	}

	public Worker getWorker() {
		return this.worker;
	}

	public RetentionDefaults getRetention() {
		return this.retention;
	}

	public Schedule getSchedule() {
		return this.schedule;
	}

	public RowChanges getRowChanges() {
		return this.rowChanges;
	}

	public Map<String, Task> getTasks() {
		return this.tasks;
	}

	/**
	 * Wake-up of workers.
	 */
	public static class Notifications {

		/**
		 * Whether workers are woken by LISTEN and NOTIFY. Disable behind a connection
		 * pooler in transaction mode: workers then only poll.
		 */
		private boolean enabled = true;

		public boolean isEnabled() {
			return this.enabled;
		}

		public void setEnabled(boolean enabled) {
			this.enabled = enabled;
		}

	}

	/**
	 * The engine's connections.
	 */
	public static class Pool {

		/**
		 * Connections that the engine may use apart from the application's, besides the
		 * one it holds for good. At least 2.
		 */
		private int size = 4;

		public int getSize() {
			return this.size;
		}

		public void setSize(int size) {
			this.size = size;
		}

	}

	/**
	 * What runs tasks.
	 */
	public static class Worker {

		/**
		 * Whether this application runs tasks. If not, it is a client only.
		 */
		private boolean enabled = true;

		/**
		 * Whether handlers run on virtual threads, where the JVM has them.
		 */
		private boolean virtualThreads = true;

		public boolean isEnabled() {
			return this.enabled;
		}

		public void setEnabled(boolean enabled) {
			this.enabled = enabled;
		}

		public boolean isVirtualThreads() {
			return this.virtualThreads;
		}

		public void setVirtualThreads(boolean virtualThreads) {
			this.virtualThreads = virtualThreads;
		}

		/**
		 * Options of workers that have none of their own.
		 */
		private final Defaults defaults = new Defaults();

		/**
		 * Options of the workers of single queues, by the queue's name.
		 */
		private final Map<String, Queue> queues = new LinkedHashMap<>();

		/**
		 * Options of workers that serve several queues, by the worker's name. A queue
		 * names its worker in 'conductor.worker.queues'.
		 */
		private final Map<String, Shared> shared = new LinkedHashMap<>();

		public Defaults getDefault() {
			return this.defaults;
		}

		public Map<String, Queue> getQueues() {
			return this.queues;
		}

		public Map<String, Shared> getShared() {
			return this.shared;
		}

		/**
		 * Options of workers that have none of their own.
		 */
		public static class Defaults {

			/**
			 * Handlers of one queue that run at once on this node. At least 1.
			 */
			private int concurrency = 10;

			/**
			 * Time that work can stay unnoticed if no notification comes.
			 */
			private Duration pollInterval = Duration.ofSeconds(1);

			/**
			 * Executions that one claim takes at most. At least 1.
			 */
			private int fetchBatchSize = 500;

			/**
			 * Time that a result may wait for others before it is recorded. Zero: it is
			 * recorded as soon as the previous ones are.
			 */
			private Duration flushInterval = Duration.ZERO;

			public int getConcurrency() {
				return this.concurrency;
			}

			public void setConcurrency(int concurrency) {
				this.concurrency = concurrency;
			}

			public Duration getPollInterval() {
				return this.pollInterval;
			}

			public void setPollInterval(Duration pollInterval) {
				this.pollInterval = pollInterval;
			}

			public int getFetchBatchSize() {
				return this.fetchBatchSize;
			}

			public void setFetchBatchSize(int fetchBatchSize) {
				this.fetchBatchSize = fetchBatchSize;
			}

			public Duration getFlushInterval() {
				return this.flushInterval;
			}

			public void setFlushInterval(Duration flushInterval) {
				this.flushInterval = flushInterval;
			}

		}

		/**
		 * What a worker can have options of its own for.
		 */
		public abstract static class Overrides {

			/**
			 * Handlers that run at once on this node. Defaults to
			 * 'conductor.worker.default.concurrency'.
			 */
			private @Nullable Integer concurrency;

			/**
			 * Time that work can stay unnoticed if no notification comes. Defaults to
			 * 'conductor.worker.default.poll-interval'.
			 */
			private @Nullable Duration pollInterval;

			/**
			 * Executions that one claim takes at most. Defaults to
			 * 'conductor.worker.default.fetch-batch-size'.
			 */
			private @Nullable Integer fetchBatchSize;

			/**
			 * Time that a result may wait for others before it is recorded. Zero: it is
			 * recorded as soon as the previous ones are. Defaults to
			 * 'conductor.worker.default.flush-interval'.
			 */
			private @Nullable Duration flushInterval;

			public @Nullable Integer getConcurrency() {
				return this.concurrency;
			}

			public void setConcurrency(@Nullable Integer concurrency) {
				this.concurrency = concurrency;
			}

			public @Nullable Duration getPollInterval() {
				return this.pollInterval;
			}

			public void setPollInterval(@Nullable Duration pollInterval) {
				this.pollInterval = pollInterval;
			}

			public @Nullable Integer getFetchBatchSize() {
				return this.fetchBatchSize;
			}

			public void setFetchBatchSize(@Nullable Integer fetchBatchSize) {
				this.fetchBatchSize = fetchBatchSize;
			}

			public @Nullable Duration getFlushInterval() {
				return this.flushInterval;
			}

			public void setFlushInterval(@Nullable Duration flushInterval) {
				this.flushInterval = flushInterval;
			}

		}

		/**
		 * Options of one queue's worker.
		 */
		public static class Queue extends Overrides {

			/**
			 * Name of the worker in 'conductor.worker.shared' that serves the queue. By
			 * default, it has a worker of its own.
			 */
			private @Nullable String shared;

			/**
			 * Share of the shared worker's time that the queue gets, in proportion to the
			 * weights of its other queues. From 1 to 1000. Defaults to 1.
			 */
			private @Nullable Integer weight;

			public @Nullable String getShared() {
				return this.shared;
			}

			public void setShared(@Nullable String shared) {
				this.shared = shared;
			}

			public @Nullable Integer getWeight() {
				return this.weight;
			}

			public void setWeight(@Nullable Integer weight) {
				this.weight = weight;
			}

		}

		/**
		 * Options of one worker that serves several queues.
		 */
		public static class Shared extends Overrides {

		}

	}

	/**
	 * Schedules.
	 */
	public static class Schedule {

		/**
		 * Delay after which a tick counts as missed, so that the misfire policy of its
		 * schedule applies. At least 1s.
		 */
		private Duration misfireThreshold = Duration.ofSeconds(30);

		public Duration getMisfireThreshold() {
			return this.misfireThreshold;
		}

		public void setMisfireThreshold(Duration misfireThreshold) {
			this.misfireThreshold = misfireThreshold;
		}

	}

	/**
	 * Changes of rows.
	 */
	public static class RowChanges {

		/**
		 * Whether to install the triggers that tasks declare on tables, and to drop those
		 * that none declares any more. If not, a start only verifies that they are there,
		 * and else fails with the SQL to run.
		 */
		private boolean install = true;

		public boolean isInstall() {
			return this.install;
		}

		public void setInstall(boolean install) {
			this.install = install;
		}

	}

	/**
	 * How long finished executions are kept.
	 */
	public static class RetentionDefaults {

		/**
		 * How long completed executions are kept whose task does not say it: a duration,
		 * 0 to delete them at once, or never.
		 */
		private Retention completed = Retention.of(Duration.ofDays(7));

		/**
		 * How long failed and cancelled executions are kept whose task does not say it: a
		 * duration, 0 to delete them at once, or never.
		 */
		private Retention failed = Retention.of(Duration.ofDays(30));

		/**
		 * How long events are kept: a duration, 0 to delete them soon, or never. Of
		 * several applications on one database, the longest time counts.
		 */
		private Retention events = Retention.of(Duration.ofDays(7));

		public Retention getCompleted() {
			return this.completed;
		}

		public void setCompleted(Retention completed) {
			this.completed = completed;
		}

		public Retention getFailed() {
			return this.failed;
		}

		public void setFailed(Retention failed) {
			this.failed = failed;
		}

		public Retention getEvents() {
			return this.events;
		}

		public void setEvents(Retention events) {
			this.events = events;
		}

	}

	/**
	 * Options of one task.
	 */
	public static class Task {

		/**
		 * Whether this node runs the task, and declares its schedules, subscriptions and
		 * row changes. Enabled by default.
		 */
		private @Nullable Boolean enabled;

		/**
		 * Queue that executions of the task go to.
		 */
		private @Nullable String queue;

		/**
		 * Priority of executions of the task. Higher runs first.
		 */
		private @Nullable Integer priority;

		/**
		 * Attempts that an execution of the task has. At least 1.
		 */
		private @Nullable Integer maxAttempts;

		private final Retry retry = new Retry();

		/**
		 * Time after which an attempt is interrupted and counts as failed.
		 */
		private @Nullable Duration timeout;

		/**
		 * Hours of the day within which the task runs, such as 22:00-06:00. 00:00-24:00
		 * lifts the limit of the declaration.
		 */
		private @Nullable String window;

		/**
		 * Time zone of the task's window.
		 */
		private @Nullable String zone;

		/**
		 * Whether an attempt of the task is one database transaction.
		 */
		private @Nullable Boolean transactional;

		/**
		 * How long a completed execution of the task is kept: a duration, 0 to delete it
		 * at once, or never.
		 */
		private @Nullable Retention removeOnComplete;

		/**
		 * How long a failed or cancelled execution of the task is kept: a duration, 0 to
		 * delete it at once, or never.
		 */
		private @Nullable Retention removeOnFail;

		/**
		 * How many executions of the task run at once, over all nodes. From 1 to 10000.
		 */
		private @Nullable Integer concurrency;

		/**
		 * Where in the payload the key is of which so many executions run at once, such
		 * as tenant.id.
		 */
		private @Nullable String concurrencyKey;

		/**
		 * How many executions of the task begin within any period, over all nodes, such
		 * as 100/1m.
		 */
		private @Nullable String rateLimit;

		/**
		 * Where in the payload the key is that the rate limit is for, such as tenant.id.
		 */
		private @Nullable String rateLimitKey;

		private final Batch batch = new Batch();

		public @Nullable Boolean getEnabled() {
			return this.enabled;
		}

		public void setEnabled(@Nullable Boolean enabled) {
			this.enabled = enabled;
		}

		public @Nullable String getQueue() {
			return this.queue;
		}

		public void setQueue(@Nullable String queue) {
			this.queue = queue;
		}

		public @Nullable Integer getPriority() {
			return this.priority;
		}

		public void setPriority(@Nullable Integer priority) {
			this.priority = priority;
		}

		public @Nullable Integer getMaxAttempts() {
			return this.maxAttempts;
		}

		public void setMaxAttempts(@Nullable Integer maxAttempts) {
			this.maxAttempts = maxAttempts;
		}

		public Retry getRetry() {
			return this.retry;
		}

		public @Nullable Duration getTimeout() {
			return this.timeout;
		}

		public void setTimeout(@Nullable Duration timeout) {
			this.timeout = timeout;
		}

		public @Nullable String getWindow() {
			return this.window;
		}

		public void setWindow(@Nullable String window) {
			this.window = window;
		}

		public @Nullable String getZone() {
			return this.zone;
		}

		public void setZone(@Nullable String zone) {
			this.zone = zone;
		}

		public @Nullable Boolean getTransactional() {
			return this.transactional;
		}

		public void setTransactional(@Nullable Boolean transactional) {
			this.transactional = transactional;
		}

		public @Nullable Retention getRemoveOnComplete() {
			return this.removeOnComplete;
		}

		public void setRemoveOnComplete(@Nullable Retention removeOnComplete) {
			this.removeOnComplete = removeOnComplete;
		}

		public @Nullable Retention getRemoveOnFail() {
			return this.removeOnFail;
		}

		public void setRemoveOnFail(@Nullable Retention removeOnFail) {
			this.removeOnFail = removeOnFail;
		}

		public @Nullable Integer getConcurrency() {
			return this.concurrency;
		}

		public void setConcurrency(@Nullable Integer concurrency) {
			this.concurrency = concurrency;
		}

		public @Nullable String getConcurrencyKey() {
			return this.concurrencyKey;
		}

		public void setConcurrencyKey(@Nullable String concurrencyKey) {
			this.concurrencyKey = concurrencyKey;
		}

		public @Nullable String getRateLimit() {
			return this.rateLimit;
		}

		public void setRateLimit(@Nullable String rateLimit) {
			this.rateLimit = rateLimit;
		}

		public @Nullable String getRateLimitKey() {
			return this.rateLimitKey;
		}

		public void setRateLimitKey(@Nullable String rateLimitKey) {
			this.rateLimitKey = rateLimitKey;
		}

		public Batch getBatch() {
			return this.batch;
		}

		/**
		 * How executions are gathered.
		 */
		public static class Batch {

			/**
			 * How many executions the handler gets at once at most. From 1 to 10000.
			 */
			private @Nullable Integer size;

			/**
			 * How long the first execution of a batch waits for others. Up to one minute,
			 * 100 ms by default.
			 */
			private @Nullable Duration timeout;

			public @Nullable Integer getSize() {
				return this.size;
			}

			public void setSize(@Nullable Integer size) {
				this.size = size;
			}

			public @Nullable Duration getTimeout() {
				return this.timeout;
			}

			public void setTimeout(@Nullable Duration timeout) {
				this.timeout = timeout;
			}

		}

		/**
		 * Delays between attempts.
		 */
		public static class Retry {

			/**
			 * Delay after the first failed attempt.
			 */
			private @Nullable Duration initial;

			/**
			 * Factor by which each further delay grows. At least 1.
			 */
			private @Nullable Double multiplier;

			/**
			 * Longest delay.
			 */
			private @Nullable Duration max;

			/**
			 * Share by which a delay is randomly lengthened or shortened, from 0 to 1.
			 */
			private @Nullable Double jitter;

			public @Nullable Duration getInitial() {
				return this.initial;
			}

			public void setInitial(@Nullable Duration initial) {
				this.initial = initial;
			}

			public @Nullable Double getMultiplier() {
				return this.multiplier;
			}

			public void setMultiplier(@Nullable Double multiplier) {
				this.multiplier = multiplier;
			}

			public @Nullable Duration getMax() {
				return this.max;
			}

			public void setMax(@Nullable Duration max) {
				this.max = max;
			}

			public @Nullable Double getJitter() {
				return this.jitter;
			}

			public void setJitter(@Nullable Double jitter) {
				this.jitter = jitter;
			}

		}

	}

}
