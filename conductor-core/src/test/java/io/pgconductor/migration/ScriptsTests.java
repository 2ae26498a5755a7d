package io.pgconductor.migration;

import java.io.File;
import java.net.URISyntaxException;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ScriptsTests {

	private final Scripts scripts = Scripts.bundled();

	@Test
	void bundlesEveryScriptOfTheFolder() throws URISyntaxException {
		File folder = new File(Scripts.class.getResource("/db/conductor").toURI());

		assertThat(this.scripts.all()).extracting(Script::name).containsExactlyInAnyOrder(folder.list());
	}

	@Test
	void runsVersionsInOrderAndThenWhatIsRepeatableByName() {
		List<Script> all = this.scripts.all();

		assertThat(all.stream().filter((script) -> !script.isRepeatable())).extracting(Script::version)
			.isSorted()
			.doesNotHaveDuplicates();
		assertThat(this.scripts.repeatable()).extracting(Script::name).isSorted();
		assertThat(all).extracting(Script::isRepeatable).isSorted();
	}

	@Test
	void isAtTheHighestVersion() {
		assertThat(TestScripts.V2.version()).isEqualTo(2);
		assertThat(TestScripts.V1.version()).isEqualTo(1);
	}

}
