package io.pannier.server.lifecycle;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.query.Json;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Settings of a policy as JSON (http-api.md §18), in requests, in answers and where they are kept.
 */
public final class LifecycleJson {
  private LifecycleJson() {}

  /**
   * Reads settings. A member that is null counts as one that is missing.
   *
   * @throws io.pannier.model.PannierException.Invalid when a member is missing or malformed
   */
  public static LifecycleSettings settings(ObjectNode object) {
    LifecycleSettings.Type type = type(Json.requiredText(object, "type"));
    JsonNode when = object.get("when");
    return new LifecycleSettings(
        type,
        Json.requiredText(object, "bucket"),
        Json.texts(object, "entries").orElse(List.of()),
        Json.requiredText(object, "older_than"),
        Json.text(object, "interval").orElse(LifecycleSettings.DEFAULT_INTERVAL),
        Json.text(object, "processing_interval"),
        when == null || when.isNull() ? Optional.empty() : Optional.of(when.toString()),
        Json.text(object, "mode").map(LifecycleJson::mode).orElse(LifecycleSettings.Mode.ENABLED));
  }

  private static LifecycleSettings.Type type(String text) {
    return switch (text) {
      case "delete" -> LifecycleSettings.Type.DELETE;
      case "compress" -> LifecycleSettings.Type.COMPRESS;
      default ->
          throw Json.invalid("unknown variant `" + text + "`, expected `delete` or `compress`");
    };
  }

  /** Reads a mode. */
  public static LifecycleSettings.Mode mode(String text) {
    return switch (text) {
      case "enabled" -> LifecycleSettings.Mode.ENABLED;
      case "disabled" -> LifecycleSettings.Mode.DISABLED;
      case "dry_run" -> LifecycleSettings.Mode.DRY_RUN;
      default ->
          throw Json.invalid(
              "unknown variant `" + text + "`, expected one of `enabled`, `disabled`, `dry_run`");
    };
  }

  /** The text of a type or mode. */
  public static String text(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Writes the members of settings. */
  public static void write(JsonGenerator json, LifecycleSettings settings) throws IOException {
    json.writeStringField("type", text(settings.type()));
    json.writeStringField("bucket", settings.bucket());
    json.writeArrayFieldStart("entries");
    for (String entry : settings.entries()) {
      json.writeString(entry);
    }
    json.writeEndArray();
    json.writeStringField("older_than", settings.olderThan());
    json.writeStringField("interval", settings.interval());
    json.writeFieldName("when");
    if (settings.when().isPresent()) {
      json.writeRawValue(settings.when().get());
    } else {
      json.writeNull();
    }
    if (settings.processingInterval().isPresent()) {
      json.writeStringField("processing_interval", settings.processingInterval().get());
    } else {
      json.writeNullField("processing_interval");
    }
    json.writeStringField("mode", text(settings.mode()));
  }
}
