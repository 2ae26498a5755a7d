package io.pgconductor.annotation;

import java.util.Set;
import java.util.function.BiConsumer;

import io.pgconductor.task.InvalidTaskException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.aop.SpringProxy;
import org.springframework.aop.TargetClassAware;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedObject;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.BeansException;
import org.springframework.beans.factory.FactoryBean;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.config.SmartInstantiationAwareBeanPostProcessor;
import org.springframework.beans.factory.support.AbstractBeanFactory;
import org.springframework.util.ClassUtils;

/**
 * The types of all beans, found out without creating one.
 */
final class BeanTypes {

	private static final Logger logger = LoggerFactory.getLogger(BeanTypes.class);

	// Those that end with a request or a session, which no task runs in
	private static final Set<String> REFUSED_SCOPES = Set.of("request", "session", "websocket");

	private final ConfigurableListableBeanFactory beanFactory;

	BeanTypes(ConfigurableListableBeanFactory beanFactory) {
		this.beanFactory = beanFactory;
	}

	/**
	 * Visit all beans but Spring's own.
	 * @param visitor is given each bean's name and its class beneath its proxies
	 */
	void forEach(BiConsumer<String, Class<?>> visitor) {
		for (String beanName : this.beanFactory.getBeanNamesForType(Object.class, true, false)) {
			if (!ScopedProxyUtils.isScopedTarget(beanName)) {
				Class<?> type = targetClass(beanName);
				if (type != null && !type.getName().startsWith("org.springframework.")) {
					visitor.accept(beanName, type);
				}
			}
		}
	}

	private @Nullable Class<?> targetClass(String beanName) {
		try {
			Class<?> type = declaredTargetClass(beanName);
			if (type != null && ScopedObject.class.isAssignableFrom(type)) {
				Class<?> scoped = declaredTargetClass(ScopedProxyUtils.getTargetBeanName(beanName));
				type = (scoped != null) ? scoped : type;
			}
			return (type != null) ? ClassUtils.getUserClass(type) : null;
		}
		catch (BeansException | LinkageError ex) {
			logger.debug("Not looking for tasks in bean '{}', whose type is not known", beanName, ex);
			return null;
		}
	}

	private @Nullable Class<?> declaredTargetClass(String beanName) {
		Object bean = this.beanFactory.containsSingleton(beanName) ? this.beanFactory.getSingleton(beanName) : null;
		if (bean != null && bean.equals(null)) {
			// A factory method has returned null
			return null;
		}
		if (bean instanceof TargetClassAware && !(bean instanceof ScopedObject)) {
			// A proxy made by hand leaves no trace in the bean definition
			return AopProxyUtils.ultimateTargetClass(bean);
		}
		if (this.beanFactory.containsBeanDefinition(beanName) && this.beanFactory.getMergedBeanDefinition(beanName)
			.getAttribute(AutoProxyUtils.ORIGINAL_TARGET_CLASS_ATTRIBUTE) instanceof Class<?> original) {
			return original;
		}
		// Not AutoProxyUtils.determineTargetClass, which creates lazy factory beans
		return this.beanFactory.getType(beanName, false);
	}

	/**
	 * Return the type a bean has, or will have, with its proxies.
	 * @param beanName the bean's name
	 * @param targetClass the bean's class beneath its proxies
	 * @return the type
	 */
	Class<?> exposedType(String beanName, Class<?> targetClass) {
		Class<?> type = this.beanFactory.getType(beanName, false);
		if (type == null) {
			type = targetClass;
		}
		if (SpringProxy.class.isAssignableFrom(type) || exists(beanName)
				|| !(this.beanFactory instanceof AbstractBeanFactory factory)) {
			return type;
		}
		for (BeanPostProcessor processor : factory.getBeanPostProcessors()) {
			if (processor instanceof SmartInstantiationAwareBeanPostProcessor smart) {
				Class<?> determined = smart.determineBeanType(type, beanName);
				// Later processors may forget the proxy of an earlier one
				if (SpringProxy.class.isAssignableFrom(determined)) {
					return determined;
				}
			}
		}
		return type;
	}

	private boolean exists(String beanName) {
		return this.beanFactory.containsSingleton(beanName)
				&& !(this.beanFactory.getSingleton(beanName) instanceof FactoryBean);
	}

	/**
	 * Return whether there is a bean of a type.
	 * @param type the type
	 * @return {@code true} if there is one or more
	 */
	boolean isBeanType(Class<?> type) {
		return this.beanFactory.getBeanNamesForType(type, true, false).length > 0;
	}

	/**
	 * Check that a bean can exist while a task runs.
	 * @param method a method of the bean
	 * @throws InvalidTaskException if it cannot
	 */
	void verifyScope(HandlerMethod method) {
		String scopedTarget = ScopedProxyUtils.getTargetBeanName(method.beanName());
		String beanName = this.beanFactory.containsBeanDefinition(scopedTarget) ? scopedTarget : method.beanName();
		if (this.beanFactory.containsBeanDefinition(beanName)) {
			String scope = this.beanFactory.getMergedBeanDefinition(beanName).getScope();
			if (scope != null && REFUSED_SCOPES.contains(scope)) {
				throw method.invalid("the bean has scope '" + scope + "', which no task runs in: "
						+ "move the method to a singleton or prototype bean");
			}
		}
	}

}
