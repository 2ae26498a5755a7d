package io.pgconductor;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

class ArchitectureTests {

	private static final JavaClasses CORE = new ClassFileImporter()
		.importUrl(Conductor.class.getProtectionDomain().getCodeSource().getLocation());

	@Test
	void packagesSeeOnlyWhatTheTableAllows() {
		// @formatter:off
		layeredArchitecture().consideringOnlyDependenciesInLayers()
			.layer("root").definedBy("io.pgconductor")
			.layer("annotation").definedBy("io.pgconductor.annotation")
			.layer("task").definedBy("io.pgconductor.task")
			.layer("jdbc").definedBy("io.pgconductor.jdbc")
			.layer("migration").definedBy("io.pgconductor.migration")
			.layer("client").definedBy("io.pgconductor.client")
			.optionalLayer("schedule").definedBy("io.pgconductor.schedule")
			.optionalLayer("event").definedBy("io.pgconductor.event")
			.optionalLayer("rowchange").definedBy("io.pgconductor.rowchange")
			.layer("execution").definedBy("io.pgconductor.execution")
			.layer("maintenance").definedBy("io.pgconductor.maintenance")
			.layer("worker").definedBy("io.pgconductor.worker")
			.whereLayer("root").mayNotAccessAnyLayer()
			.whereLayer("annotation").mayOnlyAccessLayers("root", "task")
			.whereLayer("task").mayOnlyAccessLayers("root")
			.whereLayer("jdbc").mayOnlyAccessLayers("root", "task")
			.whereLayer("migration").mayOnlyAccessLayers("root")
			.whereLayer("client").mayOnlyAccessLayers("root", "task", "jdbc")
			.whereLayer("schedule").mayOnlyAccessLayers("root", "task", "jdbc")
			.whereLayer("event").mayOnlyAccessLayers("root", "task", "jdbc")
			.whereLayer("rowchange").mayOnlyAccessLayers("root", "task", "jdbc")
			.whereLayer("execution").mayOnlyAccessLayers("root", "task", "jdbc")
			.whereLayer("maintenance").mayOnlyAccessLayers("root", "jdbc")
			.whereLayer("worker").mayOnlyAccessLayers("root", "task", "jdbc", "migration", "client", "schedule",
					"event", "rowchange", "execution", "maintenance")
			.ensureAllClassesAreContainedInArchitecture()
			.check(CORE);
		// @formatter:on
	}

	@Test
	void packagesFormNoCycle() {
		slices().matching("io.pgconductor.(*)").should().beFreeOfCycles().check(CORE);
	}

	@Test
	void worksWithoutSpringBoot() {
		noClasses().should().dependOnClassesThat().resideInAPackage("org.springframework.boot..").check(CORE);
	}

	@Test
	void keepsFlywayToTheMigration() {
		noClasses().that()
			.resideOutsideOfPackage("io.pgconductor.migration")
			.should()
			.dependOnClassesThat()
			.resideInAPackage("org.flywaydb..")
			.check(CORE);
	}

	@Test
	void marksNullsInEveryPackage() {
		assertThat(CORE.stream().map(JavaClass::getPackage).distinct())
			.allMatch((javaPackage) -> javaPackage.isAnnotatedWith(NullMarked.class));
		assertThat(CORE.stream().map(JavaClass::getPackage).map(JavaPackage::getName))
			.contains("io.pgconductor.worker");
	}

}
