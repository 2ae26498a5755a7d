package io.pgconductor.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Compares what has been generated with the files there are. Touches none that doesn't
 * begin with the marker.
 */
final class GeneratedFiles {

	// The package, and one below for each schema
	private static final int DEPTH = 2;

	private final Path output;

	private final String basePackage;

	private final String marker;

	private final SortedMap<Path, String> wanted = new TreeMap<>();

	/**
	 * Create it.
	 * @param output the root of the sources
	 * @param basePackage the package that everything is in
	 * @param marker the first line of each file
	 */
	GeneratedFiles(Path output, String basePackage, String marker) {
		this.output = output;
		this.basePackage = basePackage;
		this.marker = marker;
	}

	/**
	 * Add a file.
	 * @param type the type that is in it
	 * @param text its text
	 */
	void add(JavaType type, String text) {
		this.wanted.put(folder(type.packageName()).resolve(type.name() + ".java"), text);
	}

	private Path folder(String packageName) {
		return this.output.resolve(packageName.replace('.', '/'));
	}

	/**
	 * Compare all files.
	 * @return what is not as it should be, in the order of the files
	 */
	List<FileDifference> compare() {
		SortedMap<Path, FileDifference> differences = new TreeMap<>();
		try {
			for (Map.Entry<Path, String> file : this.wanted.entrySet()) {
				FileDifference.Kind kind = compare(file.getKey(), file.getValue());
				if (kind != null) {
					differences.put(file.getKey(), new FileDifference(file.getKey(), kind));
				}
			}
			for (Path path : existing()) {
				if (!this.wanted.containsKey(path)) {
					differences.put(path, new FileDifference(path, FileDifference.Kind.LEFT_OVER));
				}
			}
		}
		catch (IOException | UncheckedIOException ex) {
			throw failure("read", ex);
		}
		return List.copyOf(differences.values());
	}

	private FileDifference.@Nullable Kind compare(Path path, String text) throws IOException {
		if (!Files.exists(path)) {
			return FileDifference.Kind.MISSING;
		}
		String found = read(path);
		if (found.equals(text)) {
			return null;
		}
		return isGenerated(found) ? FileDifference.Kind.DIFFERENT : FileDifference.Kind.FOREIGN;
	}

	private List<Path> existing() throws IOException {
		Path root = folder(this.basePackage);
		if (!Files.isDirectory(root)) {
			return List.of();
		}
		List<Path> generated = new ArrayList<>();
		try (Stream<Path> files = Files.walk(root, DEPTH)) {
			for (Path path : (Iterable<Path>) files::iterator) {
				if (path.toString().endsWith(".java") && Files.isRegularFile(path) && isGenerated(read(path))) {
					generated.add(path);
				}
			}
		}
		return generated;
	}

	private static String read(Path path) throws IOException {
		// Git may have made other ends of lines
		return new String(Files.readAllBytes(path), StandardCharsets.UTF_8).replace("\r\n", "\n");
	}

	private boolean isGenerated(String text) {
		return text.startsWith(this.marker + "\n");
	}

	/**
	 * Make all files what they should be.
	 * @return what was not, in the order of the files
	 * @throws RowTypeGenerationException if one cannot be written, or isn't generated
	 */
	List<FileDifference> write() {
		List<FileDifference> differences = compare();
		List<Path> foreign = differences.stream()
			.filter((difference) -> difference.kind() == FileDifference.Kind.FOREIGN)
			.map(FileDifference::path)
			.toList();
		if (!foreign.isEmpty()) {
			throw RowTypeGenerationException.ofFiles("These files are in the way, and have not been generated for "
					+ this.basePackage + ": " + foreign + ". Nothing was written. Move them, or choose another package",
					null);
		}
		try {
			// First, since a name may have changed in its case only
			for (FileDifference difference : differences) {
				if (difference.kind() == FileDifference.Kind.LEFT_OVER) {
					Files.delete(difference.path());
				}
			}
			for (FileDifference difference : differences) {
				String text = this.wanted.get(difference.path());
				if (text != null) {
					Files.createDirectories(difference.path().getParent());
					Files.writeString(difference.path(), text);
				}
			}
		}
		catch (IOException ex) {
			throw failure("written", ex);
		}
		return differences;
	}

	private RowTypeGenerationException failure(String what, Exception ex) {
		return RowTypeGenerationException.ofFiles("The files below " + this.output + " cannot be " + what + ": " + ex,
				ex);
	}

}
