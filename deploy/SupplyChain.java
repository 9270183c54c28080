import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * What the program is made of, told in two files of the program folder: {@code pannier.cdx.json}, a CycloneDX bill of
 * materials, and {@code THIRD-PARTY.txt}, every library with its licence and the texts that its licence asks to be passed on.
 *
 * <pre>java -cp 'PROGRAM/lib/*' deploy/SupplyChain.java BOM PROGRAM LICENCES</pre>
 *
 * BOM is what the Maven plugin wrote, PROGRAM the program folder with {@code lib} and {@code runtime}, LICENCES the folder of
 * {@code allowed.txt} and of licence texts. Ends with 1, and writes nothing, when a library is under no allowed licence, is not
 * in the bill, is not the file that the bill describes, or a needed text is missing. Run by {@code deploy/program.sh}.
 */
final class SupplyChain {
  private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
  private static final Pattern TEXT_IN_JAR =
      Pattern.compile("META-INF/(LICEN[CS]E|NOTICE|COPYING)([.-][A-Za-z0-9.]+)?", Pattern.CASE_INSENSITIVE);

  /** A library of the program: its file, its part of the bill, and the licence it is taken under. */
  private record Library(Path jar, ObjectNode component, String licence) {}

  private final Path program;
  private final Path licences;
  private final Map<String, String> allowed = new LinkedHashMap<>();
  private final List<String> mistakes = new ArrayList<>();

  private SupplyChain(Path program, Path licences) {
    this.program = program;
    this.licences = licences;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3) {
      System.err.println("usage: SupplyChain BOM PROGRAM LICENCES");
      System.exit(2);
    }
    System.exit(new SupplyChain(Path.of(arguments[1]), Path.of(arguments[2])).run(Path.of(arguments[0])));
  }

  private int run(Path bomFile) throws Exception {
    readAllowed();
    var bom = (ObjectNode) JSON.readTree(bomFile.toFile());
    List<Library> libraries = libraries(bom);
    String texts = thirdParty(libraries);
    if (!mistakes.isEmpty()) {
      mistakes.forEach(mistake -> System.err.println("supply chain: " + mistake));
      return 1;
    }
    addRuntime(bom);
    Files.writeString(program.resolve("pannier.cdx.json"), JSON.writeValueAsString(bom) + "\n");
    Files.writeString(program.resolve("THIRD-PARTY.txt"), texts);
    return 0;
  }

  /** Every spelling of an allowed licence, in lower case, to its SPDX identifier. */
  private void readAllowed() throws IOException {
    for (String line : Files.readAllLines(licences.resolve("allowed.txt"))) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] sides = line.split("=", 2);
      String id = sides[0].strip();
      allowed.put(id.toLowerCase(Locale.ROOT), id);
      for (String spelling : sides[1].split("\\|")) {
        allowed.put(spelling.strip().toLowerCase(Locale.ROOT), id);
      }
    }
  }

  private List<Library> libraries(ObjectNode bom) throws Exception {
    var byDigest = new TreeMap<String, ObjectNode>();
    for (JsonNode component : bom.withArray("components")) {
      byDigest.put(digestIn(component), (ObjectNode) component);
    }
    var libraries = new ArrayList<Library>();
    for (Path jar : jars()) {
      ObjectNode component = byDigest.remove(digest(jar));
      if (component == null) {
        // The program's own last part is what the bill is about; it is its head, not one of its components.
        if (!jar.getFileName().toString().startsWith("pannier-cli-")) {
          mistakes.add(jar.getFileName() + " is in the program but not in the bill of materials");
        }
        continue;
      }
      if (!"io.pannier".equals(component.path("group").asText())) {
        if ("duckdb_jdbc".equals(component.path("name").asText())) {
          keepOneNative(jar, component);
        }
        licence(component).ifPresent(licence -> libraries.add(new Library(jar, component, licence)));
      }
    }
    byDigest.values().forEach(left -> mistakes.add(name(left) + " is in the bill of materials but not in the program"));
    return libraries;
  }

  /**
   * DuckDB's jar has its native library for every platform, 240 MB. The one of this machine goes beside the jar, where the driver
   * looks for it, so that nothing is unpacked at run time; the others go. The bill then describes what is left.
   */
  private void keepOneNative(Path jar, ObjectNode component) throws Exception {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    String wanted = "libduckdb_java.so_linux_" + architecture;
    Path beside = jar.resolveSibling(wanted);
    Path trimmed = jar.resolveSibling(jar.getFileName() + ".new");
    try (var whole = new JarFile(jar.toFile());
        var out = new ZipOutputStream(Files.newOutputStream(trimmed))) {
      for (JarEntry entry : Collections.list(whole.entries())) {
        try (var in = whole.getInputStream(entry)) {
          if (entry.getName().equals(wanted)) {
            Files.copy(in, beside);
          } else if (!entry.getName().startsWith("libduckdb_java")) {
            var copy = new ZipEntry(entry.getName());
            copy.setTimeLocal(entry.getTimeLocal());
            out.putNextEntry(copy);
            in.transferTo(out);
          }
        }
      }
    }
    if (!Files.exists(beside)) {
      mistakes.add(jar.getFileName() + " has no " + wanted);
    }
    Files.move(trimmed, jar, StandardCopyOption.REPLACE_EXISTING);
    ArrayNode hashes = component.putArray("hashes");
    hashes.addObject().put("alg", "SHA-256").put("content", digest(jar));
    ArrayNode properties = component.putArray("properties");
    properties.addObject().put("name", "pannier:changed").put("value", "native libraries taken out of the jar; " + wanted + " lies beside it");
    properties.addObject().put("name", "pannier:sha256:" + wanted).put("value", Files.exists(beside) ? digest(beside) : "");
  }

  private List<Path> jars() throws IOException {
    try (Stream<Path> files = Files.list(program.resolve("lib"))) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
  }

  private static String name(JsonNode component) {
    return component.path("group").asText() + ":" + component.path("name").asText() + ":" + component.path("version").asText();
  }

  private static String digestIn(JsonNode component) {
    for (JsonNode hash : component.path("hashes")) {
      if ("SHA-256".equals(hash.path("alg").asText())) {
        return hash.path("content").asText();
      }
    }
    return "no digest of " + component.path("bom-ref").asText();
  }

  private static String digest(Path file) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }

  /** The first allowed licence of a library; a library that names several leaves the choice. */
  private Optional<String> licence(ObjectNode component) {
    var named = new TreeSet<String>();
    for (JsonNode entry : component.path("licenses")) {
      // "A OR B" leaves the choice, too; anything more involved has to be read by a person.
      Collections.addAll(named, entry.path("expression").asText().split(" OR "));
      named.add(entry.path("license").path("id").asText());
      named.add(entry.path("license").path("name").asText());
    }
    named.remove("");
    for (String name : named) {
      String id = allowed.get(name.toLowerCase(Locale.ROOT));
      if (id != null) {
        return Optional.of(id);
      }
    }
    mistakes.add(name(component) + " is under " + (named.isEmpty() ? "no licence that it names" : named) + ", which " + licences.resolve("allowed.txt") + " does not list");
    return Optional.empty();
  }

  private String thirdParty(List<Library> libraries) throws IOException {
    var out = new StringBuilder("""
        Pannier is under the Apache License, Version 2.0 (see LICENSE). It is distributed with the libraries below, unchanged (but for native
        libraries of other platforms, which were left out of DuckDB's jar), each under the
        licence named, and with a Java runtime (OpenJDK, GPL-2.0 with Classpath Exception; its notices are in runtime/legal).

        """);
    var texts = new TreeMap<String, TreeSet<String>>();
    for (Library library : libraries) {
      JsonNode component = library.component();
      String label = component.path("group").asText() + ":" + component.path("name").asText() + " " + component.path("version").asText();
      out.append(library.jar().getFileName()).append("\n  ").append(label).append("\n  ").append(library.licence());
      String publisher = component.path("publisher").asText();
      if (!publisher.isEmpty()) {
        out.append(", ").append(publisher);
      }
      for (JsonNode reference : component.path("externalReferences")) {
        if ("website".equals(reference.path("type").asText())) {
          out.append("\n  ").append(reference.path("url").asText());
        }
      }
      out.append("\n\n");
      List<String> own = textsIn(library.jar());
      for (String text : own) {
        texts.computeIfAbsent(text, _ -> new TreeSet<>()).add(label);
      }
      // A licence with the name of its holder in it belongs to one library.
      Path special = licences.resolve(component.path("name").asText() + ".txt");
      Path general = Files.exists(special) ? special : licences.resolve(library.licence() + ".txt");
      if (Files.exists(general)) {
        texts.computeIfAbsent(Files.readString(general).strip(), _ -> new TreeSet<>()).add(label);
      } else if (own.isEmpty()) {
        mistakes.add(label + " brings no text of its licence, and there is no " + general);
      }
    }
    for (Map.Entry<String, TreeSet<String>> text : texts.entrySet()) {
      out.append("=".repeat(100)).append('\n').append(String.join("\n", text.getValue())).append("\n\n").append(text.getKey()).append("\n\n");
    }
    return out.toString();
  }

  private static List<String> textsIn(Path jar) throws IOException {
    var texts = new ArrayList<String>();
    try (var file = new JarFile(jar.toFile())) {
      for (JarEntry entry : Collections.list(file.entries())) {
        if (TEXT_IN_JAR.matcher(entry.getName()).matches()) {
          texts.add(new String(file.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8).strip());
        }
      }
    }
    return texts;
  }

  /** The Java runtime comes from no repository, so the plugin does not know it. */
  private void addRuntime(ObjectNode bom) throws IOException {
    var release = new TreeMap<String, String>();
    for (String line : Files.readAllLines(program.resolve("runtime/release"))) {
      String[] sides = line.split("=", 2);
      release.put(sides[0], sides[1].replace("\"", ""));
    }
    String version = release.getOrDefault("JAVA_RUNTIME_VERSION", release.getOrDefault("JAVA_VERSION", "unknown"));
    ObjectNode runtime = ((ArrayNode) bom.withArray("components")).addObject();
    runtime.put("type", "platform").put("bom-ref", "openjdk-runtime").put("name", "OpenJDK runtime").put("version", version);
    runtime.put("description", "Linked by jlink with the modules " + release.getOrDefault("MODULES", ""));
    Optional.ofNullable(release.get("IMPLEMENTOR")).ifPresent(vendor -> runtime.put("publisher", vendor));
    runtime.putArray("licenses").addObject().put("expression", "GPL-2.0-only WITH Classpath-exception-2.0");
  }
}
