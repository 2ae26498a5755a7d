package io.pgconductor.worker;

import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.core.task.VirtualThreadTaskExecutor;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;

/**
 * The threads that handlers run on.
 */
final class HandlerExecutors {

	private static final int FIRST_VERSION_WITH_VIRTUAL_THREADS = 21;

	private static final int IDLE_SECONDS = 60;

	private HandlerExecutors() {
	}

	/**
	 * Create the executor of a worker.
	 * @param worker the name of its queue, or its own if it has several
	 * @param concurrency how many handlers run at once
	 * @param virtualThreads whether to use virtual threads where there are any
	 * @return virtual threads, or a pool of that size whose idle threads go away
	 */
	static AsyncTaskExecutor create(String worker, int concurrency, boolean virtualThreads) {
		String prefix = "conductor-" + worker + "-";
		if (virtualThreads && Runtime.version().feature() >= FIRST_VERSION_WITH_VIRTUAL_THREADS) {
			return new VirtualThreadTaskExecutor(prefix);
		}
		ThreadPoolTaskExecutor pool = new ThreadPoolTaskExecutor();
		pool.setThreadNamePrefix(prefix);
		pool.setCorePoolSize(concurrency);
		pool.setMaxPoolSize(concurrency);
		pool.setAllowCoreThreadTimeOut(true);
		pool.setKeepAliveSeconds(IDLE_SECONDS);
		pool.setDaemon(true);
		pool.afterPropertiesSet();
		return pool;
	}

	static Thread daemon(Runnable task, String name) {
		Thread thread = new Thread(task, name);
		thread.setDaemon(true);
		return thread;
	}

}
