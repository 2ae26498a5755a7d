package io.pgconductor.codegen;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a run of the program has ended with.
 *
 * @param exitCode its exit code
 * @param out what it has said
 * @param err what it has complained about
 */
record Run(int exitCode, String out, String err) {

	static Run of(String... args) {
		return of(Map.of(), args);
	}

	static Run of(Map<String, String> environment, String... args) {
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		ByteArrayOutputStream err = new ByteArrayOutputStream();
		int exitCode = RowTypeGenerator.run(args, environment, new PrintStream(out, true, StandardCharsets.UTF_8),
				new PrintStream(err, true, StandardCharsets.UTF_8));
		return new Run(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
	}

}
