package io.pgconductor.codegen;

import java.io.IOException;
import java.io.StringWriter;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Generated types, compiled as strictly as this project, and loaded.
 */
final class CompiledTypes implements AutoCloseable {

	private final URLClassLoader loader;

	CompiledTypes(Path sources, Path classes) throws IOException {
		JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
		StringWriter messages = new StringWriter();
		try (StandardJavaFileManager files = compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);
				Stream<Path> paths = Files.walk(sources)) {
			List<Path> all = paths.filter((path) -> path.toString().endsWith(".java")).toList();
			boolean compiled = compiler
				.getTask(messages, files, null,
						List.of("-d", classes.toString(), "-encoding", "UTF-8", "-proc:none", "-Xlint:all,-processing",
								"-Werror", "-Xdoclint:all,-missing"),
						null, files.getJavaFileObjectsFromPaths(all))
				.call();
			assertThat(compiled).as(messages.toString()).isTrue();
		}
		this.loader = new URLClassLoader(new URL[] { url(classes) });
	}

	private static URL url(Path path) throws MalformedURLException {
		return path.toUri().toURL();
	}

	Class<?> load(String name) {
		try {
			return this.loader.loadClass(name);
		}
		catch (ClassNotFoundException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Override
	public void close() throws IOException {
		this.loader.close();
	}

}
