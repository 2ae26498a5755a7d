package com.example;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A page of the documentation.
 */
public final class DocumentationPage {

	private DocumentationPage() {
	}

	/**
	 * Read the code on a page.
	 * @param page the name of its file, without its ending
	 * @param language the language of the code
	 * @return its blocks, at least one
	 * @throws IOException if it cannot be read
	 */
	public static List<String> blocks(String page, String language) throws IOException {
		List<String> blocks = Pattern.compile("^```" + language + "\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE)
			.matcher(Files.readString(Path.of("../docs", page + ".md")))
			.results()
			.map((MatchResult block) -> block.group(1))
			.toList();
		assertThat(blocks).as(page).isNotEmpty();
		return blocks;
	}

}
