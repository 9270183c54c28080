package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What commands for replications and lifecycles have in common: settings as the API has them. */
abstract class TaskCommand extends ClientCommand {
  /** How a task is asked for and changed: the raw form keeps what this program does not know. */
  static Map<String, @Nullable Object> settings(PannierClient client, String path) {
    Map<String, @Nullable Object> detail = Json.parseObject(client.call("GET", path, ""));
    return object(detail.get("settings"));
  }

  static Map<String, @Nullable Object> object(@Nullable Object value) {
    return value == null ? Map.of() : Json.parseObject(Json.write(value));
  }

  static List<?> list(@Nullable Object value) {
    return value instanceof List<?> items ? items : List.of();
  }

  /** Several lines of JSON behind a name. */
  static String condition(@Nullable Object when) {
    return when == null ? "None" : Json.pretty(when);
  }

  static String capital(@Nullable Object text) {
    String name = String.valueOf(text);
    return name.isEmpty()
        ? name
        : Character.toUpperCase(name.charAt(0)) + name.substring(1).replace('_', ' ');
  }

  static String mode(@Nullable Object mode) {
    return switch (String.valueOf(mode)) {
      case "enabled" -> "▶ Enabled";
      case "paused" -> "⏸ Paused";
      case "disabled" -> "⏹ Disabled";
      case "dry_run" -> "🧪 Dry Run";
      default -> capital(mode);
    };
  }

  static String entries(@Nullable Object entries) {
    return Json.write(list(entries)).replace("\",\"", "\", \"");
  }
}
