package org.reactivestreams;

/**
 * Stands in for that of Reactive Streams, which is not on the class path.
 */
public interface Publisher {

}
