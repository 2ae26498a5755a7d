package io.pgconductor.autoconfigure;

import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.annotation.Cron;
import io.pgconductor.task.DuplicateTaskException;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.UnknownTaskOptionsException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.env.Environment;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.core.io.support.SpringFactoriesLoader.ArgumentResolver;
import org.springframework.core.io.support.SpringFactoriesLoader.FailureHandler;
import org.springframework.mock.env.MockEnvironment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/**
 * Tests for the {@link FailureAnalyzer FailureAnalyzers}.
 */
@ExtendWith(OutputCaptureExtension.class)
class FailureAnalyzersTests {

	@Test
	void areRegistered() {
		List<FailureAnalyzer> registered = SpringFactoriesLoader.forDefaultResourceLocation()
			.load(FailureAnalyzer.class, ArgumentResolver.of(Environment.class, new MockEnvironment()),
					FailureHandler.handleMessage((message, failure) -> {
					}));

		assertThat(registered).hasAtLeastOneElementOfType(InvalidTaskFailureAnalyzer.class)
			.hasAtLeastOneElementOfType(NoDataSourceFailureAnalyzer.class)
			.hasAtLeastOneElementOfType(SchemaFailureAnalyzer.class)
			.hasAtLeastOneElementOfType(UnknownOptionsFailureAnalyzer.class);
	}

	@Test
	void areAskedBeforeSpringBootsOwn(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				ConductorAutoConfiguration.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException().isThrownBy(application::run);

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("spring.datasource.url=jdbc:postgresql://")
			.doesNotContain("H2");
	}

	@Test
	void nameThePropertyOfABadValue(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				ConductorAutoConfiguration.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException().isThrownBy(() -> application
			.run("--spring.datasource.url=jdbc:postgresql://localhost:1/none", "--conductor.max-payload-size=-1B"));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("Invalid value '-1B' for configuration property 'conductor.max-payload-size'")
			.contains("it must be positive");
	}

	@Test
	void nameThePropertyOfABadRetention(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				ConductorAutoConfiguration.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException()
			.isThrownBy(() -> application.run("--spring.datasource.url=jdbc:postgresql://localhost:1/none",
					"--conductor.tasks.a.remove-on-fail=30"));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("conductor.tasks.a.remove-on-fail")
			.contains("use a duration with its unit");
	}

	@Test
	void nameTheMethodOfABadCronExpression(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				ConductorAutoConfiguration.class, BadCron.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException().isThrownBy(() -> application
			.run("--spring.datasource.url=jdbc:postgresql://localhost:1/none", "--report.cron=0 0 30 2 *"));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("FailureAnalyzersTests.BadCron.report of bean")
			.contains("@Cron(value = \"${report.cron}\" -> \"0 0 30 2 *\")")
			.contains("no date has the day of month '30', month '2'");
	}

	@Test
	void nameThePropertyOfABadMisfireThreshold(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				ConductorAutoConfiguration.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException()
			.isThrownBy(() -> application.run("--spring.datasource.url=jdbc:postgresql://localhost:1/none",
					"--conductor.schedule.misfire-threshold=-1s"));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("configuration property 'conductor.schedule.misfire-threshold'");
	}

	@Test
	void explainsAMissingDataSource() {
		FailureAnalysis analysis = analyze(new NoDataSourceFailureAnalyzer(new MockEnvironment()),
				new NoConductorDataSourceException(List.of()));

		assertThat(analysis.getDescription()).contains("needs the application to have a DataSource on PostgreSQL");
		assertThat(analysis.getAction()).contains("spring-boot-starter-jdbc")
			.contains("spring.datasource.url=jdbc:postgresql://")
			.contains("conductor.enabled=false");
	}

	@Test
	void explainsSeveralDataSources() {
		FailureAnalysis analysis = analyze(new NoDataSourceFailureAnalyzer(new MockEnvironment()),
				new NoConductorDataSourceException(List.of("orders", "stock")));

		assertThat(analysis.getDescription()).contains("orders, stock");
		assertThat(analysis.getAction()).contains("@ConductorDataSource").contains("@Primary");
	}

	@Test
	void leavesFailuresAloneThatAreNotConductors() {
		MockEnvironment disabled = new MockEnvironment().withProperty("conductor.enabled", "false");

		assertThat(new NoDataSourceFailureAnalyzer(disabled).analyze(new NoConductorDataSourceException(List.of())))
			.isNull();
		assertThat(new NoDataSourceFailureAnalyzer(new MockEnvironment()).analyze(new IllegalStateException()))
			.isNull();
		assertThat(new UnknownOptionsFailureAnalyzer().analyze(new IllegalStateException())).isNull();
	}

	@Test
	void explainsTwoTasksOfOneName() {
		TaskRegistry registry = new TaskRegistry();
		registry.register(spec("send-email", "Mail.sendEmail"));
		DuplicateTaskException failure = catchThrowableOfType(DuplicateTaskException.class,
				() -> registry.register(spec("send-email", "Letters.send")));

		FailureAnalysis analysis = analyze(new InvalidTaskFailureAnalyzer(), failure);

		assertThat(analysis.getDescription()).contains("'send-email'")
			.contains("Mail.sendEmail")
			.contains("Letters.send");
		assertThat(analysis.getAction()).contains("Letters.send or Mail.sendEmail").contains("@Task(name = ");
	}

	@Test
	void explainsAnInvalidTask() {
		FailureAnalysis analysis = analyze(new InvalidTaskFailureAnalyzer(),
				new InvalidTaskException("Task method Mail.sendEmail: remove it", "Mail.sendEmail", null));

		assertThat(analysis.getDescription()).isEqualTo("Task method Mail.sendEmail: remove it");
		assertThat(analysis.getAction()).contains("Mail.sendEmail");
	}

	@Test
	void explainsOptionsOfAnUnknownTask() {
		UnknownTaskOptionsException failure = unknownTask("send-emial");

		FailureAnalysis analysis = analyze(new UnknownOptionsFailureAnalyzer(), failure);

		assertThat(analysis.getDescription()).contains("conductor.tasks.send-emial.*")
			.contains("send-email, user.created");
		assertThat(analysis.getAction()).contains("Did you mean conductor.tasks.send-email.*?")
			.contains("conductor.tasks.[user.created].queue");
	}

	@Test
	void suggestsBracketsForATaskThatNeedsThem() {
		FailureAnalysis analysis = analyze(new UnknownOptionsFailureAnalyzer(), unknownTask("user"));

		assertThat(analysis.getAction()).contains("Did you mean conductor.tasks.[user.created].*?");
	}

	private static UnknownTaskOptionsException unknownTask(String name) {
		TaskOptions options = TaskOptions.none().priority(1);
		TaskRegistry registry = new TaskRegistry(Map.of(name, options));
		registry.register(spec("send-email", "Mail.sendEmail"));
		registry.register(spec("user.created", "Mail.welcome"));
		return catchThrowableOfType(UnknownTaskOptionsException.class, registry::verifyOverrides);
	}

	@Test
	void explainsMissingBrackets() {
		FailureAnalysis analysis = analyze(new UnknownOptionsFailureAnalyzer(),
				new UnknownOptionException("conductor.tasks.user.created.queue", "created.queue",
						"conductor.tasks.[user.created].queue", Set.of("queue")));

		assertThat(analysis.getDescription()).contains("conductor.tasks.user.created.queue");
		assertThat(analysis.getAction()).isEqualTo("Write conductor.tasks.[user.created].queue instead.");
	}

	@Test
	void explainsAnUnknownOption() {
		FailureAnalysis analysis = analyze(new UnknownOptionsFailureAnalyzer(), new UnknownOptionException(
				"conductor.tasks.send-email.quue", "quue", "", Set.of("queue", "priority", "timeout")));

		assertThat(analysis.getDescription()).contains("conductor.tasks.send-email.quue");
		assertThat(analysis.getAction()).isEqualTo("Did you mean queue? The options are: priority, queue, timeout.");
	}

	private static TaskSpec spec(String name, String source) {
		return new TaskSpec(name, Set.of(), source, null, false, (event, context) -> null, TaskOptions.none(), null,
				List.of());
	}

	private static FailureAnalysis analyze(FailureAnalyzer analyzer, @Nullable Exception cause) {
		FailureAnalysis analysis = analyzer.analyze(new IllegalStateException("no context", cause));
		assertThat(analysis).isNotNull();
		return analysis;
	}

	static class BadCron {

		@Cron("${report.cron}")
		void report() {
		}

	}

}
