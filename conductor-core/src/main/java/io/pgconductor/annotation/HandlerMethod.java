package io.pgconductor.annotation;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Set;

import io.pgconductor.SuspensionSignal;
import io.pgconductor.task.InvalidTaskException;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.SpringProxy;
import org.springframework.core.BridgeMethodResolver;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/**
 * An annotated method of a bean.
 *
 * @param beanName the bean's name
 * @param beanClass the bean's class beneath its proxies
 * @param method the method of that class
 */
record HandlerMethod(String beanName, Class<?> beanClass, Method method) {

	// By name: most of them are not on the class path
	private static final Set<String> ASYNC_ANNOTATIONS = Set.of("org.springframework.scheduling.annotation.Async",
			"jakarta.ejb.Asynchronous", "jakarta.enterprise.concurrent.Asynchronous");

	private static final Set<String> ASYNC_RESULTS = Set.of("java.util.concurrent.Future",
			"java.util.concurrent.CompletionStage", "java.util.concurrent.Flow$Publisher",
			"org.reactivestreams.Publisher", "io.reactivex.rxjava3.core.CompletableSource",
			"io.reactivex.rxjava3.core.MaybeSource", "io.reactivex.rxjava3.core.ObservableSource",
			"io.reactivex.rxjava3.core.SingleSource", "kotlinx.coroutines.Job", "kotlinx.coroutines.flow.Flow");

	private static final String CONTINUATION = "kotlin.coroutines.Continuation";

	/**
	 * Return where the task is declared, for messages.
	 * @return class, method and bean
	 */
	String source() {
		return ClassUtils.getShortName(this.beanClass) + "." + this.method.getName() + " of bean '" + this.beanName
				+ "'";
	}

	InvalidTaskException invalid(String problem) {
		return invalid(problem, null);
	}

	InvalidTaskException invalid(String problem, @Nullable Throwable cause) {
		return new InvalidTaskException("Task method " + source() + ": " + problem, source(), cause);
	}

	/**
	 * Check that the method has done its work when it returns.
	 * @throws InvalidTaskException if it has not
	 */
	void verifyFinishesItsWork() {
		if (Modifier.isStatic(this.method.getModifiers())) {
			throw invalid("a static method has no bean to run on: make it an instance method");
		}
		if (isAsync()) {
			throw invalid("an asynchronous method returns before its work is done: remove @Async, "
					+ "a task runs in the background anyway");
		}
		Class<?>[] parameters = this.method.getParameterTypes();
		if (parameters.length > 0 && parameters[parameters.length - 1].getName().equals(CONTINUATION)) {
			throw invalid("a Kotlin suspend function returns before its work is done: "
					+ "make it a plain function, with runBlocking around its body");
		}
		Class<?> result = this.method.getReturnType();
		if (isOneOf(result, ASYNC_RESULTS)) {
			throw invalid("its return type " + result.getSimpleName() + " lets it return before its work is done: "
					+ "wait for the outcome in the method and return the value, or void");
		}
	}

	/**
	 * Check that no advice takes the signal of a suspension for a failure.
	 * @throws InvalidTaskException if one does
	 */
	void verifyLetsSuspensionsPass() {
		RetryAdvice advice = RetryAdvice.of(this);
		if (advice != null && advice.repeats(SuspensionSignal.class)) {
			throw invalid("its " + advice.description() + " would take a suspension for a failure and repeat it: add "
					+ advice.remedy(SuspensionSignal.class) + ", or leave retries to the task");
		}
	}

	private boolean isAsync() {
		MergedAnnotations onMethod = MergedAnnotations.from(this.method, SearchStrategy.TYPE_HIERARCHY);
		MergedAnnotations onClass = MergedAnnotations.from(this.beanClass, SearchStrategy.TYPE_HIERARCHY);
		return ASYNC_ANNOTATIONS.stream().anyMatch((name) -> onMethod.isPresent(name) || onClass.isPresent(name));
	}

	private static boolean isOneOf(@Nullable Class<?> type, Set<String> names) {
		if (type == null) {
			return false;
		}
		if (names.contains(type.getName()) || isOneOf(type.getSuperclass(), names)) {
			return true;
		}
		for (Class<?> superInterface : type.getInterfaces()) {
			if (isOneOf(superInterface, names)) {
				return true;
			}
		}
		return false;
	}

	/**
	 * Return the method to call on a bean so that its advice applies.
	 * @param type the bean's type, proxies included
	 * @return the method, accessible
	 * @throws InvalidTaskException if there is none
	 */
	Method invocableOn(Class<?> type) {
		Method invocable = Proxy.isProxyClass(type) ? ofJdkProxy(type) : this.method;
		if (SpringProxy.class.isAssignableFrom(type) && !Proxy.isProxyClass(type)) {
			verifyOverridable();
		}
		ReflectionUtils.makeAccessible(invocable);
		return invocable;
	}

	private Method ofJdkProxy(Class<?> proxyType) {
		if (this.method.getDeclaringClass().isAssignableFrom(proxyType)) {
			return this.method;
		}
		for (Class<?> proxied : proxyType.getInterfaces()) {
			for (Method candidate : proxied.getMethods()) {
				// Not by parameter types: those of a generic interface are erased
				if (candidate.getName().equals(this.method.getName())
						&& BridgeMethodResolver.getMostSpecificMethod(candidate, this.beanClass).equals(this.method)) {
					return candidate;
				}
			}
		}
		throw invalid("the bean is behind a JDK proxy whose interfaces don't have this method: "
				+ "declare it in one of them, or have the class proxied (proxyTargetClass = true)");
	}

	private void verifyOverridable() {
		int modifiers = this.method.getModifiers();
		if (Modifier.isPrivate(modifiers)) {
			throw invalid("the bean is proxied, which a private method bypasses: make it package-private or public");
		}
		if (Modifier.isFinal(modifiers)) {
			throw invalid("the bean is proxied, which a final method bypasses: remove 'final'");
		}
		if (!Modifier.isPublic(modifiers) && !Modifier.isProtected(modifiers)
				&& !this.method.getDeclaringClass().getPackageName().equals(this.beanClass.getPackageName())) {
			throw invalid("the bean is proxied, which a package-private method of another package ("
					+ this.method.getDeclaringClass().getPackageName() + ") bypasses: make it protected or public");
		}
	}

}
