package io.pannier.cli.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The configuration file of {@code reduct-cli}, at its place and in its form, so that both programs
 * can be used side by side. It holds tokens: only its owner may read what we write, and it is
 * replaced as a whole.
 */
final class AliasFile {
  private final Path file;

  AliasFile(Path file) {
    this.file = file;
  }

  /** The file that options and environment name. */
  static AliasFile of(@Nullable Path option, Map<String, String> environment) {
    if (option != null) {
      return new AliasFile(option);
    }
    String named = environment.get("REDUCT_CONFIG");
    if (named != null && !named.isEmpty()) {
      return new AliasFile(Path.of(named));
    }
    String home = environment.getOrDefault("HOME", System.getProperty("user.home", ""));
    return new AliasFile(
        Path.of(home.isEmpty() ? "." : home).resolve(".reduct-cli").resolve("config.toml"));
  }

  Path path() {
    return file;
  }

  /** All aliases, by name; none without a file. */
  Map<String, Alias> read() {
    Map<String, Alias> aliases = new TreeMap<>();
    String text;
    try {
      if (!Files.exists(file)) {
        return aliases;
      }
      text = Files.readString(file);
      JsonNode root = new TomlMapper().readTree(text);
      for (var alias : root.path("aliases").properties()) {
        aliases.put(alias.getKey(), alias(alias.getKey(), alias.getValue()));
      }
      return aliases;
    } catch (JsonProcessingException malformed) {
      // Not the library's whole message: it quotes the file, which holds tokens.
      throw new Failure(
          "Failed to parse config file '"
              + file
              + "': line "
              + malformed.getLocation().getLineNr()
              + ", column "
              + malformed.getLocation().getColumnNr());
    } catch (IOException failed) {
      throw new Failure("Failed to read config file '" + file + "': " + failed.getMessage());
    }
  }

  private Alias alias(String name, JsonNode node) {
    if (!node.path("url").isTextual()) {
      throw new Failure(
          "Failed to parse config file '" + file + "': alias '" + name + "' has no url");
    }
    return new Alias(
        node.path("url").asText(),
        node.path("token").asText(""),
        node.path("ignore_ssl").asBoolean(false),
        node.path("timeout").asInt(Alias.TIMEOUT),
        node.path("parallel").asInt(Alias.PARALLEL),
        Optional.ofNullable(node.get("ca_cert")).map(JsonNode::asText));
  }

  /** Replaces the file. */
  void write(Map<String, Alias> aliases) {
    var text = new StringBuilder();
    for (var entry : new TreeMap<>(aliases).entrySet()) {
      Alias alias = entry.getValue();
      text.append(text.isEmpty() ? "" : "\n");
      text.append("[aliases.").append(key(entry.getKey())).append("]\n");
      text.append("url = ").append(quoted(alias.url())).append('\n');
      text.append("token = ").append(quoted(alias.token())).append('\n');
      text.append("ignore_ssl = ").append(alias.ignoreSsl()).append('\n');
      text.append("timeout = ").append(alias.timeout()).append('\n');
      text.append("parallel = ").append(alias.parallel()).append('\n');
      alias.caCert().ifPresent(path -> text.append("ca_cert = ").append(quoted(path)).append('\n'));
    }
    try {
      // A link is followed, so that what it points to is replaced and not the link.
      Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
      Path folder = target.getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      boolean posix = target.getFileSystem().supportedFileAttributeViews().contains("posix");
      FileAttribute<?>[] owner =
          posix
              ? new FileAttribute<?>[] {
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
              }
              : new FileAttribute<?>[0];
      Path fresh = Files.createTempFile(folder, "config", ".toml", owner);
      try {
        Files.write(fresh, text.toString().getBytes(StandardCharsets.UTF_8));
        Files.move(
            fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(fresh);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException("Failed to write config file '" + file + "'", failed);
    }
  }

  private static String key(String name) {
    return name.matches("[A-Za-z0-9_-]+") ? name : quoted(name);
  }

  private static String quoted(String text) {
    var out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ' || c == 127) {
        out.append(String.format("\\u%04X", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
