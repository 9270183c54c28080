package io.pannier.cli.client;

import io.pannier.client.Body;
import io.pannier.client.Json;
import io.pannier.client.Outgoing;
import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code write}: one record. */
@Command(name = "write", description = "Write single record to a bucket")
public final class WriteCommand extends ClientCommand {
  @Parameters(paramLabel = "<ENTRY_PATH>", description = "Full path the entry to write to")
  private String path = "";

  @Option(
      names = {"-s", "--string"},
      paramLabel = "<PAYLOAD>",
      description = "inline payload string")
  private @Nullable String payload;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "<PATH>",
      description = "payload file path; - for standard input")
  private @Nullable Path file;

  @Option(
      names = {"-C", "--content-type"},
      paramLabel = "<MIME>",
      description = "record content type")
  private @Nullable String contentType;

  @Option(
      names = {"-t", "--timestamp"},
      paramLabel = "<TIME>",
      description = "time of the record; now if not given")
  private @Nullable String timestamp;

  @Option(
      names = {"-l", "--labels"},
      paramLabel = "<LABELS>",
      description = "labels as key=value,key=value or a JSON object")
  private @Nullable String labels;

  @Option(
      names = {"-q", "--quiet"},
      description = "suppress successful output")
  private boolean quiet;

  @Override
  int run() throws IOException {
    if (payload == null && file == null) {
      throw new Failure(
          Exit.USAGE,
          "the following required arguments were not provided:\n  --string <PAYLOAD>\n  --file <PATH>");
    }
    if (payload != null && file != null) {
      throw new Failure(
          Exit.USAGE, "the argument '--string <PAYLOAD>' cannot be used with '--file <PATH>'");
    }
    long time = timestamp == null ? CLOCK.wallMicros() : parsedTime(timestamp);
    Labels parsed = labels(labels);
    Place.Entry place = entry(path);
    Path temporary = null;
    try {
      Body body;
      String usual = "text/plain";
      if (payload != null) {
        body = Body.of(payload);
      } else {
        Path from = Objects.requireNonNull(file);
        if (from.toString().equals("-")) {
          // Its length has to be known before it is sent.
          temporary = Files.createTempFile("pannier", ".body");
          Files.copy(System.in, temporary, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
          body = Body.of(temporary);
          usual = "application/octet-stream";
        } else {
          if (!Files.isRegularFile(from)) {
            throw new Failure("Path '" + from + "' is invalid or not a file");
          }
          body = Body.of(from);
          usual = MediaTypes.ofFile(from.getFileName().toString());
        }
        if (body.length() == 0) {
          throw new Failure("File is empty");
        }
      }
      long began = CLOCK.monotonicNanos();
      client(place.bucket().instance())
          .bucket(place.bucket().name())
          .write(
              place.entry(),
              new Outgoing(time, contentType == null ? usual : contentType, parsed, body));
      if (quiet) {
        return Exit.OK;
      }
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      json.put("elapsed_ms", (CLOCK.monotonicNanos() - began) / 1_000_000);
      json.put("timestamp_us", new java.math.BigInteger(Timestamp.toString(time)));
      json.put("bytes_written", body.length());
      print(json, "Record written to '" + place.bucket().name() + "/" + place.entry() + "'");
      return Exit.OK;
    } finally {
      if (temporary != null) {
        Files.delete(temporary);
      }
    }
  }

  private static long parsedTime(String text) {
    try {
      return Objects.requireNonNull(time(text));
    } catch (Failure malformed) {
      throw new Failure("Invalid timestamp: " + malformed.getMessage());
    }
  }

  /** Labels as {@code k=v,k2=v2}, or as a JSON object. */
  static Labels labels(@Nullable String text) {
    if (text == null) {
      return Labels.EMPTY;
    }
    var labels = new Labels.Builder();
    if (text.strip().startsWith("{")) {
      try {
        Json.parseObject(text).forEach((name, value) -> labels.set(name, String.valueOf(value)));
      } catch (IllegalArgumentException malformed) {
        throw new Failure("Failed to parse labels as JSON: " + malformed.getMessage());
      }
      return labels.build();
    }
    for (String item : text.split(",", -1)) {
      if (item.isBlank()) {
        continue;
      }
      int equals = item.indexOf('=');
      if (equals < 0) {
        throw new Failure("Invalid label format '" + item + "': expected key=value");
      }
      String name = item.substring(0, equals).strip();
      if (name.isEmpty()) {
        throw new Failure("Label key cannot be empty in '" + item + "'");
      }
      labels.set(name, item.substring(equals + 1).strip());
    }
    return labels.build();
  }
}
