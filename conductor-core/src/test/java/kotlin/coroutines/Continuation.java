package kotlin.coroutines;

/**
 * Stands in for Kotlin's, which is not on the class path.
 */
public interface Continuation {

}
