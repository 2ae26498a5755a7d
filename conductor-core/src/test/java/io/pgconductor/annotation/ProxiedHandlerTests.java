package io.pgconductor.annotation;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

import io.pgconductor.annotation.elsewhere.PackagePrivateTask;
import io.pgconductor.task.InvalidTaskException;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.framework.autoproxy.DefaultAdvisorAutoProxyCreator;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcherPointcut;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Role;
import org.springframework.context.annotation.Scope;
import org.springframework.core.Ordered;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Tests for handlers on beans with advice.
 */
class ProxiedHandlerTests {

	private static final List<String> advised = new ArrayList<>();

	@BeforeEach
	void forgetAdvice() {
		advised.clear();
	}

	@Test
	void adviceOfAClassProxyApplies() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(ClassProxies.class, Mail.class)) {
			Object result = tasks.run("send", "ada");

			assertThat(result).isEqualTo("sent to ada");
			assertThat(advised).containsExactly("send");
		}
	}

	@Test
	void adviceOfAnInterfaceProxyApplies() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(InterfaceProxies.class, MailBehindInterface.class)) {
			Object result = tasks.run("send", "ada");

			assertThat(result).isEqualTo("sent to ada");
			assertThat(advised).containsExactly("send");
		}
	}

	@Test
	void adviceOfAProxyWithAGenericInterfaceApplies() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(InterfaceProxies.class, GenericMail.class)) {
			Object result = tasks.run("handle", "ada");

			assertThat(tasks.task("handle").payloadType()).isEqualTo(String.class);
			assertThat(result).isEqualTo("sent to ada");
			assertThat(advised).containsExactly("handle");
		}
	}

	@Test
	void adviceAppliesWhereTheInterfaceCarriesTheAnnotation() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(InterfaceProxies.class, AnnotatedInterfaceMail.class)) {
			tasks.run("annotated", "ada");

			assertThat(advised).containsExactly("annotated");
		}
	}

	@Test
	void findsTasksBehindProxiesMadeByHand() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(HandMadeProxy.class)) {
			Object result = tasks.run("send", "ada");

			assertThat(tasks.onlyTask().source()).startsWith("ProxiedHandlerTests.MailBehindInterface.send");
			assertThat(result).isEqualTo("sent to ada");
			assertThat(advised).containsExactly("send");
		}
	}

	@Test
	void adviceAppliesToLazyBeans() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(ClassProxies.class, LazyMail.class)) {
			assertThat(tasks.context().getBeanFactory().containsSingleton("proxiedHandlerTests.LazyMail")).isFalse();

			tasks.run("send", "ada");

			assertThat(advised).containsExactly("send");
		}
	}

	@Test
	void adviceAppliesToPrototypes() throws Throwable {
		for (Class<?> proxies : List.of(ClassProxies.class, InterfaceProxies.class)) {
			try (AnnotatedTasks tasks = AnnotatedTasks.of(proxies, PrototypeMail.class)) {
				tasks.run("send", "ada");
				tasks.run("send", "ada");

				assertThat(advised).containsExactly("send", "send");
			}
			advised.clear();
		}
	}

	@Test
	void refusesPrivateMethods() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(ClassProxies.class, PrivateMail.class).close())
			.withMessageContainingAll("PrivateMail.send of bean", "proxied", "private", "make it package-private");
	}

	@Test
	void refusesFinalMethods() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(ClassProxies.class, FinalMail.class).close())
			.withMessageContainingAll("FinalMail.send of bean", "proxied", "final", "remove 'final'");
	}

	@Test
	void refusesPackagePrivateMethodsOfAnotherPackage() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(ClassProxies.class, MailFromElsewhere.class).close())
			.withMessageContainingAll("MailFromElsewhere.send of bean", "io.pgconductor.annotation.elsewhere",
					"protected or public");
	}

	@Test
	void refusesFinalMethodsOfLazyBeansAtStartUpToo() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(ClassProxies.class, LazyFinalMail.class).close())
			.withMessageContainingAll("LazyFinalMail.send of bean", "remove 'final'");
	}

	@Test
	void acceptsFinalMethodsThatAnInterfaceProxyExposes() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(InterfaceProxies.class, FinalMailBehindInterface.class)) {
			tasks.run("send", "ada");

			assertThat(advised).containsExactly("send");
		}
	}

	@Test
	void refusesMethodsThatNoInterfaceOfTheProxyHas() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(InterfaceProxies.class, NotInTheInterface.class).close())
			.withMessageContainingAll("NotInTheInterface.other of bean", "JDK proxy", "proxyTargetClass");
	}

	@Test
	void theHandlersExceptionSurfacesAsItself() {
		for (Class<?> proxies : List.of(ClassProxies.class, InterfaceProxies.class, Plain.class)) {
			try (AnnotatedTasks tasks = AnnotatedTasks.of(proxies, Failing.class)) {
				assertThatThrownBy(() -> tasks.run("checked", null)).isSameAs(Failing.CHECKED);
				assertThatThrownBy(() -> tasks.run("unchecked", null)).isSameAs(Failing.UNCHECKED);
				assertThatThrownBy(() -> tasks.run("error", null)).isSameAs(Failing.ERROR);
			}
		}
	}

	@Test
	void aCheckedExceptionOfAdviceSurfacesAsItself() {
		for (Class<?> proxies : List.of(ClassProxies.class, InterfaceProxies.class)) {
			try (AnnotatedTasks tasks = AnnotatedTasks.of(proxies, FailingAdvice.class)) {
				assertThatThrownBy(() -> tasks.run("failing-advice", null)).isSameAs(Failing.CHECKED);
			}
		}
	}

	static Object record(MethodInvocation invocation) throws Throwable {
		advised.add(invocation.getMethod().getName());
		if (invocation.getMethod().getName().equals("failingAdvice")) {
			throw Failing.CHECKED;
		}
		return invocation.proceed();
	}

	abstract static class Proxies {

		@Bean
		@Role(BeanDefinition.ROLE_INFRASTRUCTURE)
		static DefaultPointcutAdvisor advisor() {
			MethodInterceptor interceptor = ProxiedHandlerTests::record;
			DefaultPointcutAdvisor advisor = new DefaultPointcutAdvisor(new TaskMethods(), interceptor);
			advisor.setOrder(Ordered.LOWEST_PRECEDENCE);
			return advisor;
		}

		static DefaultAdvisorAutoProxyCreator creator(boolean proxyTargetClass) {
			DefaultAdvisorAutoProxyCreator creator = new DefaultAdvisorAutoProxyCreator();
			creator.setProxyTargetClass(proxyTargetClass);
			return creator;
		}

	}

	static class TaskMethods extends StaticMethodMatcherPointcut {

		@Override
		public boolean matches(Method method, Class<?> targetClass) {
			return Advised.class.isAssignableFrom(targetClass) || AdvisedClass.class.isAssignableFrom(targetClass);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class ClassProxies extends Proxies {

		@Bean
		static DefaultAdvisorAutoProxyCreator creator() {
			return creator(true);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class InterfaceProxies extends Proxies {

		@Bean
		static DefaultAdvisorAutoProxyCreator creator() {
			return creator(false);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class Plain {

	}

	@Configuration(proxyBeanMethods = false)
	static class HandMadeProxy {

		@Bean
		Advised mail() {
			ProxyFactory factory = new ProxyFactory(new MailBehindInterface());
			factory.addAdvice((MethodInterceptor) ProxiedHandlerTests::record);
			return (Advised) factory.getProxy();
		}

	}

	abstract static class AdvisedClass {

	}

	interface Advised {

		default Object send(String address) {
			throw new UnsupportedOperationException();
		}

	}

	static class Mail extends AdvisedClass {

		private final String prefix = "sent to ";

		@Task
		String send(String address) {
			return this.prefix + address;
		}

	}

	@Lazy
	static class LazyMail extends Mail {

	}

	static class MailBehindInterface implements Advised {

		private final String prefix = "sent to ";

		@Override
		@Task
		public Object send(String address) {
			return this.prefix + address;
		}

	}

	@Scope(ConfigurableBeanFactory.SCOPE_PROTOTYPE)
	static class PrototypeMail extends MailBehindInterface {

	}

	static class FinalMailBehindInterface implements Advised {

		@Override
		@Task
		public final Object send(String address) {
			return "sent";
		}

	}

	interface GenericAdvised<P> extends Advised {

		Object handle(P payload);

	}

	static class GenericMail implements GenericAdvised<String> {

		@Override
		@Task
		public Object handle(String address) {
			return "sent to " + address;
		}

	}

	interface AnnotatedInterface extends Advised {

		@Task
		Object annotated(String address);

	}

	static class AnnotatedInterfaceMail implements AnnotatedInterface {

		@Override
		public Object annotated(String address) {
			return "sent to " + address;
		}

	}

	static class NotInTheInterface implements Advised {

		@Task
		public void other() {
		}

	}

	static class PrivateMail extends AdvisedClass {

		@Task
		private void send() {
		}

	}

	static class FinalMail extends AdvisedClass {

		@Task
		final void send() {
		}

	}

	@Lazy
	static class LazyFinalMail extends AdvisedClass {

		@Task
		final void send() {
		}

	}

	static class MailFromElsewhere extends PackagePrivateTask implements Advised {

	}

	interface FailingTasks extends Advised {

		void checked() throws IOException;

		void unchecked();

		void error();

	}

	static class Failing implements FailingTasks {

		static final IOException CHECKED = new IOException("checked");

		static final IllegalStateException UNCHECKED = new IllegalStateException("unchecked");

		static final Error ERROR = new StackOverflowError("error");

		@Override
		@Task
		public void checked() throws IOException {
			throw CHECKED;
		}

		@Override
		@Task
		public void unchecked() {
			throw UNCHECKED;
		}

		@Override
		@Task
		public void error() {
			throw ERROR;
		}

	}

	interface FailingAdviceTask extends Advised {

		void failingAdvice();

	}

	static class FailingAdvice implements FailingAdviceTask {

		@Override
		@Task
		public void failingAdvice() {
		}

	}

}
