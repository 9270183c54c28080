package io.pannier.cli.client;

import io.pannier.client.Bucket;
import io.pannier.client.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code attachment}: JSON documents that belong to an entry. */
@Command(
    name = "attachment",
    description = "Manage entry attachments",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      AttachmentCommands.Ls.class,
      AttachmentCommands.Read.class,
      AttachmentCommands.Rm.class,
      AttachmentCommands.Write.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class AttachmentCommands {
  private static final String PATH =
      "Path to an entry (e.g. SERVER_ALIAS/BUCKET/ENTRY_NAME or http://localhost:8383/BUCKET/ENTRY_NAME)";

  /** What works on an entry. */
  abstract static class OnEntry extends ClientCommand {
    @Parameters(index = "0", paramLabel = "<ENTRY_PATH>", description = PATH)
    String path = "";

    final Place.Entry place() {
      return entry(path);
    }

    final Bucket bucket(Place.Entry place) {
      return client(place.bucket().instance()).bucket(place.bucket().name());
    }

    static @Nullable Object parsed(String document) {
      try {
        return Json.parse(document);
      } catch (IllegalArgumentException notJson) {
        return document;
      }
    }
  }

  /** {@code attachment ls}. */
  @Command(name = "ls", description = "List attachment keys of an entry")
  static final class Ls extends OnEntry {
    @Override
    int run() {
      Place.Entry place = place();
      var keys = new TreeMap<>(bucket(place).attachments(place.entry())).keySet();
      print(keys, String.join("\n", keys));
      return Exit.OK;
    }
  }

  /** {@code attachment read}. */
  @Command(name = "read", description = "Read attachments of an entry")
  static final class Read extends OnEntry {
    @Parameters(
        index = "1..*",
        arity = "0..*",
        paramLabel = "<KEY>",
        description = "Attachment keys to read")
    private @Nullable List<String> keys;

    @Override
    int run() {
      Place.Entry place = place();
      Map<String, String> found = new TreeMap<>(bucket(place).attachments(place.entry()));
      List<String> wanted = Objects.requireNonNullElse(keys, List.of());
      for (String key : wanted) {
        if (!found.containsKey(key) && !globals.json) {
          throw new Failure(
              Exit.NOT_FOUND, "Attachment '" + key + "' not found in '" + Place.hidden(path) + "'");
        }
      }
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      found.forEach((key, document) -> {
        if (wanted.isEmpty() || wanted.contains(key)) {
          Object value = parsed(document);
          json.put(key, value);
          if (!globals.json) {
            out().println(key + ": " + Json.write(value));
          }
        }
      });
      print(json, "");
      return Exit.OK;
    }
  }

  /** {@code attachment write}. */
  @Command(name = "write", description = "Write an attachment to an entry")
  static final class Write extends OnEntry {
    @Parameters(index = "1", paramLabel = "<KEY>", description = "Attachment key")
    private String key = "";

    @Parameters(index = "2", paramLabel = "<JSON>", description = "Attachment value in JSON format")
    private String json = "";

    @Override
    int run() {
      Object value;
      try {
        value = Json.parse(json);
      } catch (IllegalArgumentException malformed) {
        throw new Failure(
            "Failed to parse attachment value for key '" + key + "': " + malformed.getMessage());
      }
      Place.Entry place = place();
      bucket(place).writeAttachments(place.entry(), Map.of(key, Json.write(value)));
      Map<String, @Nullable Object> written = new LinkedHashMap<>();
      written.put(key, value);
      print(written, "Attachment '" + key + "' written to '" + Place.hidden(path) + "'");
      return Exit.OK;
    }
  }

  /** {@code attachment rm}. */
  @Command(name = "rm", description = "Remove attachments from an entry")
  static final class Rm extends OnEntry {
    @Parameters(
        index = "1..*",
        arity = "0..*",
        paramLabel = "<KEY>",
        description = "Attachment keys to remove")
    private @Nullable List<String> keys;

    @Option(names = "--all", description = "Remove all attachments")
    private boolean all;

    @Override
    int run() {
      List<String> wanted = Objects.requireNonNullElse(keys, List.of());
      if (wanted.isEmpty() != all) {
        throw new Failure(
            Exit.USAGE,
            all
                ? "the argument '--all' cannot be used with '[KEY]...'"
                : "the following required arguments were not provided:\n  <KEY|--all>");
      }
      Place.Entry place = place();
      bucket(place).removeAttachments(place.entry(), wanted);
      done(
          (all ? "All attachments" : "Selected attachments")
              + " removed from '"
              + Place.hidden(path)
              + "'");
      return Exit.OK;
    }
  }
}
