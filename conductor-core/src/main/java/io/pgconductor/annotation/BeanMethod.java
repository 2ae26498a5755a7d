package io.pgconductor.annotation;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.UndeclaredThrowableException;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;

/**
 * Calls a method of a bean, which is looked up when it is first needed, and again for
 * each call unless it is a singleton. Thread-safe.
 */
final class BeanMethod {

	private final BeanFactory beanFactory;

	private final HandlerMethod handlerMethod;

	private volatile @Nullable Object singleton;

	private volatile @Nullable Invocable invocable;

	BeanMethod(BeanFactory beanFactory, HandlerMethod handlerMethod) {
		this.beanFactory = beanFactory;
		this.handlerMethod = handlerMethod;
	}

	@Nullable Object call(@Nullable Object[] arguments) throws Throwable {
		Object bean = bean();
		Method method = methodOf(bean.getClass());
		try {
			return method.invoke(bean, arguments);
		}
		catch (InvocationTargetException ex) {
			throw thrownByHandler(ex);
		}
	}

	private Object bean() {
		Object bean = this.singleton;
		if (bean == null) {
			bean = this.beanFactory.getBean(this.handlerMethod.beanName());
			if (this.beanFactory.isSingleton(this.handlerMethod.beanName())) {
				this.singleton = bean;
			}
		}
		return bean;
	}

	private Method methodOf(Class<?> type) {
		Invocable known = this.invocable;
		if (known == null || known.type() != type) {
			known = new Invocable(type, this.handlerMethod.invocableOn(type));
			this.invocable = known;
		}
		return known.method();
	}

	private static Throwable thrownByHandler(Throwable thrown) {
		Throwable cause = thrown;
		while ((cause instanceof InvocationTargetException || cause instanceof UndeclaredThrowableException)
				&& cause.getCause() != null) {
			cause = cause.getCause();
		}
		return cause;
	}

	private record Invocable(Class<?> type, Method method) {
	}

}
