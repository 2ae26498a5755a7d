package io.pgconductor;

/**
 * What an invocation does when there is an execution with its key already.
 *
 * @since 0.1.0
 * @see InvokeOptions#dedupeKey(String)
 */
public enum OnDuplicate {

	/**
	 * Nothing, as long as that execution is live or retained: it stays as it is.
	 */
	KEEP,

	/**
	 * It takes the place of one that has not begun, which keeps its id and gets the new
	 * payload, time and priority. One that has begun (it runs, sleeps, waits, or awaits
	 * another attempt) goes on to its end, and a new one is enqueued that has the key
	 * from then on. One that has finished is followed by a new one.
	 */
	REPLACE

}
