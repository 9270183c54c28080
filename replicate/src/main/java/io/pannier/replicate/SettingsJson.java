package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.client.Coding;
import io.pannier.client.Throttle;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.Json;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Settings in the form of the HTTP API (http-api.md §17.1), and members of ours: {@code from},
 * {@code max_bytes_per_second} and {@code ext}.
 */
public final class SettingsJson {
  private static final String RATE = "max_bytes_per_second";

  private SettingsJson() {}

  /**
   * Reads settings. Members that the API does not know are ignored, as old clients send some.
   *
   * @throws PannierException.Invalid when something is malformed
   */
  public static ReplicationSettings read(ObjectNode json) {
    JsonNode when = json.get("when");
    return new ReplicationSettings(
        Json.requiredText(json, "src_bucket"),
        Json.requiredText(json, "dst_bucket"),
        Json.requiredText(json, "dst_host"),
        Json.text(json, "dst_token"),
        Json.texts(json, "entries").orElse(List.of()),
        Json.text(json, "dst_prefix").orElse(""),
        when == null || when.isNull() ? Optional.empty() : Optional.of(when),
        Json.text(json, "mode").map(SettingsJson::mode).orElse(ReplicationMode.ENABLED),
        Json.text(json, "compression").map(SettingsJson::coding).orElse(Coding.NONE),
        Json.text(json, "from").map(SettingsJson::start).orElse(new ReplicationStart.Now()),
        rate(Json.unsigned(json, RATE).orElse(0)),
        Optional.ofNullable(json.get("ext")).filter(ext -> !ext.isNull()));
  }

  /** The mode of this name. */
  public static ReplicationMode mode(String text) {
    return switch (text) {
      case "enabled" -> ReplicationMode.ENABLED;
      case "paused" -> ReplicationMode.PAUSED;
      case "disabled" -> ReplicationMode.DISABLED;
      default ->
          throw Json.invalid(
              "unknown variant `" + text + "`, expected one of `enabled`, `paused`, `disabled`");
    };
  }

  private static Coding coding(String text) {
    return switch (text) {
      case "none" -> Coding.NONE;
      case "zstd" -> Coding.ZSTD;
      case "gzip" -> Coding.GZIP;
      default ->
          throw Json.invalid(
              "unknown variant `" + text + "`, expected one of `none`, `zstd`, `gzip`");
    };
  }

  private static long rate(long bytesPerSecond) {
    if (bytesPerSecond != 0
        && Long.compareUnsigned(bytesPerSecond, Throttle.MIN_BYTES_PER_SECOND) < 0) {
      throw Json.invalid(
          "'" + RATE + "' must be 0 (no limit) or at least " + Throttle.MIN_BYTES_PER_SECOND);
    }
    return bytesPerSecond < 0 ? Long.MAX_VALUE : bytesPerSecond;
  }

  private static ReplicationStart start(String text) {
    return switch (text) {
      case "now" -> new ReplicationStart.Now();
      case "oldest" -> new ReplicationStart.Oldest();
      default -> {
        try {
          yield new ReplicationStart.From(Timestamp.parse(text));
        } catch (NumberFormatException malformed) {
          throw Json.invalid("'from' must be `now`, `oldest`, or a time in microseconds");
        }
      }
    };
  }

  /** Writes settings, the token too. */
  public static ObjectNode write(ReplicationSettings settings) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("src_bucket", settings.sourceBucket());
    json.put("dst_bucket", settings.destinationBucket());
    json.put("dst_host", settings.destinationHost());
    json.put("dst_token", settings.destinationToken().orElse(null));
    var entries = json.putArray("entries");
    settings.entries().forEach(entries::add);
    json.put("dst_prefix", settings.destinationPrefix());
    json.set("when", settings.when().orElse(null));
    json.put("mode", settings.mode().text());
    json.put("compression", settings.compression().name().toLowerCase(Locale.ROOT));
    switch (settings.start()) {
      case ReplicationStart.Now _ -> {
        // Not said, so that clients see what they know.
      }
      case ReplicationStart.Oldest _ -> json.put("from", "oldest");
      case ReplicationStart.From(long timestamp) -> json.put("from", Timestamp.toString(timestamp));
    }
    if (settings.bytesPerSecondMax() > 0) {
      json.put(RATE, settings.bytesPerSecondMax());
    }
    settings.ext().ifPresent(ext -> json.set("ext", ext));
    return json;
  }
}
