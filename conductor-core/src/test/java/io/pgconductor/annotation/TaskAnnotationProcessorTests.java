package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.List;
import java.util.Map;

import io.pgconductor.task.DuplicateTaskException;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.UnknownTaskOptionsException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.FactoryBean;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Scope;
import org.springframework.context.annotation.ScopedProxyMode;
import org.springframework.context.support.SimpleThreadScope;
import org.springframework.core.annotation.AliasFor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link TaskAnnotationProcessor}: which methods become tasks, and on which
 * bean they run.
 */
class TaskAnnotationProcessorTests {

	@Test
	void registersAnAnnotatedMethod() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Mail.class)) {
			TaskSpec task = tasks.task("send-email");

			assertThat(task.source())
				.isEqualTo("TaskAnnotationProcessorTests.Mail.sendEmail of bean 'taskAnnotationProcessorTests.Mail'");
			assertThat(task.payloadType()).isEqualTo(String.class);
			assertThat(task.payloadRequired()).isFalse();
			assertThat(tasks.run("send-email", "ada")).isEqualTo("sent to ada");
		}
	}

	@Test
	void namesAnUnnamedTaskAfterItsMethodInKebabCase() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Unnamed.class)) {
			assertThat(tasks.registry().tasks()).extracting(TaskSpec::name)
				.containsExactlyInAnyOrder("run", "send-email", "send-html-email", "export-as-csv", "retry2nd-time",
						"with-underscores", "über-prüfung");
		}
	}

	@Test
	void takesTheNameFromValueToo() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(NamedByValue.class)) {
			assertThat(tasks.onlyTask().name()).isEqualTo("by-value");
		}
	}

	@Test
	void refusesDifferentNameAndValue() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(NamedTwice.class).close())
			.withMessageContainingAll("NamedTwice.run of bean", "'name'", "'value'");
	}

	@Test
	void worksAsMetaAnnotationWithAliases() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Composed.class)) {
			TaskSpec task = tasks.task("composed");

			assertThat(task.queue()).isEqualTo("mail");
			assertThat(task.maxAttempts()).isEqualTo(7);
		}
	}

	@Test
	void findsTheAnnotationOnAnInterfaceMethod() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(GreeterBean.class)) {
			assertThat(tasks.onlyTask().payloadType()).isEqualTo(Integer.class);
			assertThat(tasks.run("greet", 3)).isEqualTo("hello 3");
		}
	}

	@Test
	void findsADefaultMethodOfAnInterface() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(DefaultGreeterBean.class)) {
			assertThat(tasks.onlyTask().payloadType()).isEqualTo(Long.class);
			assertThat(tasks.run("greet", 3L)).isEqualTo("default 3");
		}
	}

	@Test
	void resolvesTheGenericsOfASuperclass() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(StringHandler.class)) {
			assertThat(tasks.onlyTask().payloadType()).isEqualTo(String.class);
			assertThat(tasks.onlyTask().source()).startsWith("TaskAnnotationProcessorTests.StringHandler.handle");
			assertThat(tasks.run("handle", "x")).isEqualTo("handled x");
		}
	}

	@Test
	void anOverridingMethodKeepsTheTask() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(OverridingHandler.class)) {
			assertThat(tasks.onlyTask().payloadType()).isEqualTo(String.class);
			assertThat(tasks.run("handle", "x")).isEqualTo("overridden x");
		}
	}

	@Test
	void callsPrivateAndPackagePrivateMethodsOfPlainBeans() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(NonPublic.class)) {
			assertThat(tasks.run("private-one", null)).isEqualTo("private");
			assertThat(tasks.run("package-private", null)).isEqualTo("package-private");
			assertThat(tasks.run("final-one", null)).isEqualTo("final");
		}
	}

	@Test
	void refusesStaticMethods() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(WithStatic.class).close())
			.withMessageContainingAll("WithStatic.run of bean 'taskAnnotationProcessorTests.WithStatic'", "static",
					"instance method")
			.satisfies((ex) -> assertThat(ex.source()).contains("WithStatic.run"));
	}

	@Test
	void refusesTwoTasksOfOneName() {
		assertThatExceptionOfType(DuplicateTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(Mail.class, OtherMail.class).close())
			.withMessageContainingAll("'send-email'", "TaskAnnotationProcessorTests.Mail.sendEmail of bean",
					"TaskAnnotationProcessorTests.OtherMail.sendEmail of bean", "rename");
	}

	@Test
	void refusesTwoBeansOfOneAnnotatedClass() {
		assertThatExceptionOfType(DuplicateTaskException.class).isThrownBy(() -> AnnotatedTasks.of((context) -> {
			context.registerBean("first", Mail.class);
			context.registerBean("second", Mail.class);
		}).close()).withMessageContainingAll("of bean 'first'", "of bean 'second'");
	}

	@Test
	void servesFormerNames() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Renamed.class)) {
			assertThat(tasks.task("new-name").aliases()).containsExactlyInAnyOrder("old-name", "oldest-name");
			assertThat(tasks.task("old-name")).isSameAs(tasks.task("new-name"));
		}
	}

	@Test
	void refusesAnAliasThatIsTheNameItself() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(AliasOfItself.class).close())
			.withMessageContainingAll("AliasOfItself.run of bean", "@Task(aliases = \"same\")", "remove it");
	}

	@Test
	void refusesOverridesOfUnknownTasks() {
		TaskOptions options = TaskOptions.none().queue("other");

		assertThatExceptionOfType(UnknownTaskOptionsException.class)
			.isThrownBy(
					() -> AnnotatedTasks.of(Map.of("send-emial", options), (context) -> context.register(Mail.class))
						.close())
			.withMessageContainingAll("send-emial", "send-email");
	}

	@Test
	void doesNotInstantiateLazyBeansUntilTheirTaskRuns() throws Throwable {
		Counted.instances = 0;
		try (AnnotatedTasks tasks = AnnotatedTasks.of(LazyConfiguration.class)) {
			assertThat(tasks.registry().tasks()).hasSize(1);
			assertThat(Counted.instances).isZero();

			tasks.run("count", null);
			tasks.run("count", null);

			assertThat(Counted.instances).isOne();
		}
	}

	@Test
	void doesNotInstantiateALazyFactoryBean() throws Throwable {
		Counted.instances = 0;
		CountedFactory.instances = 0;
		try (AnnotatedTasks tasks = AnnotatedTasks.of(LazyFactory.class)) {
			assertThat(CountedFactory.instances).isZero();

			tasks.run("count", null);

			assertThat(CountedFactory.instances).isOne();
			assertThat(Counted.instances).isOne();
		}
	}

	@Test
	void findsTheTasksOfWhatAFactoryBeanMakes() throws Throwable {
		Counted.instances = 0;
		try (AnnotatedTasks tasks = AnnotatedTasks.of(CountedFactory.class)) {
			assertThat(Counted.instances).isZero();

			tasks.run("count", null);
			tasks.run("count", null);

			assertThat(Counted.instances).isOne();
		}
	}

	@Test
	void resolvesAPrototypeForEachAttempt() throws Throwable {
		Counted.instances = 0;
		try (AnnotatedTasks tasks = AnnotatedTasks.of(PrototypeCounted.class)) {
			assertThat(Counted.instances).isZero();

			Object first = tasks.run("count", null);
			Object second = tasks.run("count", null);

			assertThat(Counted.instances).isEqualTo(2);
			assertThat(first).isNotSameAs(second);
		}
	}

	@Test
	void refusesRequestAndSessionScope() {
		for (String scope : List.of("request", "session")) {
			assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of((context) -> {
				context.getBeanFactory().registerScope(scope, new SimpleThreadScope());
				context.registerBean("mail", Mail.class, (definition) -> definition.setScope(scope));
			}).close()).withMessageContainingAll("Mail.sendEmail of bean 'mail'", "scope '" + scope + "'", "singleton");
		}
	}

	@Test
	void refusesRequestScopeBehindAScopedProxy() {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of((context) -> {
			context.getBeanFactory().registerScope("request", new SimpleThreadScope());
			context.register(RequestScoped.class);
		}).close()).withMessageContaining("scope 'request'");
	}

	@Test
	void callsScopedTargetsThroughTheirProxy() throws Throwable {
		Counted.instances = 0;
		for (Class<?> type : List.of(ScopedByClass.class, ScopedByInterface.class)) {
			try (AnnotatedTasks tasks = AnnotatedTasks.of((context) -> {
				context.getBeanFactory().registerScope("thread", new SimpleThreadScope());
				context.register(type);
			})) {
				assertThat(Counted.instances).isZero();

				tasks.run("count", null);
				tasks.run("count", null);

				assertThat(Counted.instances).isOne();
			}
			Counted.instances = 0;
		}
	}

	@Test
	void findsTasksInConfigurationClasses() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(TaskConfiguration.class)) {
			assertThat(tasks.onlyTask().source()).startsWith("TaskAnnotationProcessorTests.TaskConfiguration.run");
			assertThat(tasks.run("run", null)).isEqualTo("configured");
		}
	}

	@Test
	void findsTasksOfSingletonsRegisteredByHand() {
		try (AnnotatedTasks tasks = AnnotatedTasks
			.of((AnnotationConfigApplicationContext context) -> context.getBeanFactory()
				.registerSingleton("mail", new Mail()))) {
			assertThat(tasks.onlyTask().name()).isEqualTo("send-email");
		}
	}

	@Test
	void registersNothingForABeanThatIsNull() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(NullBeanConfiguration.class)) {
			assertThat(tasks.registry().tasks()).isEmpty();
		}
	}

	@Test
	void ignoresAbstractBeanDefinitions() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of((context) -> {
			RootBeanDefinition template = new RootBeanDefinition(Mail.class);
			template.setAbstract(true);
			context.registerBeanDefinition("template", template);
		})) {
			assertThat(tasks.registry().tasks()).isEmpty();
		}
	}

	static class Mail {

		@Task(name = "send-email")
		String sendEmail(String address) {
			return "sent to " + address;
		}

	}

	static class OtherMail {

		@Task
		void sendEmail() {
		}

	}

	static class Unnamed {

		@Task
		void run() {
		}

		@Task
		void sendEmail() {
		}

		@Task
		void sendHTMLEmail() {
		}

		@Task
		void exportAsCSV() {
		}

		@Task
		void retry2ndTime() {
		}

		@Task
		void with_underscores() {
		}

		@Task
		void überPrüfung() {
		}

	}

	static class NamedByValue {

		@Task("by-value")
		void run() {
		}

	}

	static class NamedTwice {

		@Task(name = "one", value = "two")
		void run() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@Task(queue = "mail")
	@interface MailTask {

		@AliasFor(annotation = Task.class, attribute = "name")
		String name();

		@AliasFor(annotation = Task.class)
		int maxAttempts() default 7;

	}

	static class Composed {

		@MailTask(name = "composed")
		void run() {
		}

	}

	interface Greeter<P> {

		@Task
		String greet(P payload);

	}

	static class GreeterBean implements Greeter<Integer> {

		@Override
		public String greet(Integer payload) {
			return "hello " + payload;
		}

	}

	interface DefaultGreeter<P> {

		@Task
		default String greet(P payload) {
			return "default " + payload;
		}

	}

	static class DefaultGreeterBean implements DefaultGreeter<Long> {

	}

	abstract static class Handler<P> {

		@Task
		String handle(P payload) {
			return "handled " + payload;
		}

	}

	static class StringHandler extends Handler<String> {

	}

	static class OverridingHandler extends Handler<String> {

		@Override
		String handle(String payload) {
			return "overridden " + payload;
		}

	}

	static class NonPublic {

		@Task
		private String privateOne() {
			return "private";
		}

		@Task
		String packagePrivate() {
			return "package-private";
		}

		@Task
		final String finalOne() {
			return "final";
		}

	}

	static class WithStatic {

		@Task
		static void run() {
		}

	}

	static class Renamed {

		@Task(name = "new-name", aliases = { "old-name", "oldest-name", "old-name" })
		void run() {
		}

	}

	static class AliasOfItself {

		@Task(name = "same", aliases = "same")
		void run() {
		}

	}

	interface Countable {

		Object count();

	}

	static class Counted implements Countable {

		static int instances;

		Counted() {
			instances++;
		}

		@Override
		@Task
		public Object count() {
			return this;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class LazyConfiguration {

		@Bean
		@Lazy
		Counted counted() {
			return new Counted();
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class LazyFactory {

		@Bean
		@Lazy
		CountedFactory counted() {
			return new CountedFactory();
		}

	}

	static class CountedFactory implements FactoryBean<Counted> {

		static int instances;

		CountedFactory() {
			instances++;
		}

		@Override
		public Counted getObject() {
			return new Counted();
		}

		@Override
		public Class<?> getObjectType() {
			return Counted.class;
		}

	}

	@Scope(ConfigurableBeanFactory.SCOPE_PROTOTYPE)
	static class PrototypeCounted extends Counted {

	}

	@Scope(scopeName = "request", proxyMode = ScopedProxyMode.TARGET_CLASS)
	static class RequestScoped extends Counted {

	}

	@Scope(scopeName = "thread", proxyMode = ScopedProxyMode.TARGET_CLASS)
	static class ScopedByClass extends Counted {

	}

	@Scope(scopeName = "thread", proxyMode = ScopedProxyMode.INTERFACES)
	static class ScopedByInterface extends Counted {

	}

	@Configuration
	static class TaskConfiguration {

		private final String state = "configured";

		@Task
		private String run() {
			return this.state;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class NullBeanConfiguration {

		@Bean
		@Nullable Mail mail() {
			return null;
		}

	}

}
