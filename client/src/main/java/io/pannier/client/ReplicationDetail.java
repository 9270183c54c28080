package io.pannier.client;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A replication with its settings and how it fares.
 *
 * @param okHourly records sent, extrapolated to an hour
 * @param erroredHourly records that were not taken, extrapolated to an hour
 * @param errors by code; negative ones are of the connection
 * @param raw the whole answer, with what this store tells on top
 */
public record ReplicationDetail(
    ReplicationInfo info,
    ReplicationOptions settings,
    long okHourly,
    long erroredHourly,
    Map<Integer, Failure> errors,
    Map<String, @Nullable Object> raw) {
  /**
   * What went wrong with one code.
   *
   * @param count in the last hour
   */
  public record Failure(long count, String lastMessage) {}

  static ReplicationDetail of(Map<String, @Nullable Object> json) {
    Map<String, @Nullable Object> hourly = Json.object(Json.object(json, "diagnostics"), "hourly");
    Map<Integer, Failure> errors = new LinkedHashMap<>();
    Json.object(hourly, "errors")
        .forEach((code, error) -> {
          Map<String, @Nullable Object> told = Json.object(error);
          errors.put(
              Integer.valueOf(code),
              new Failure(Json.number(told, "count"), Json.text(told, "last_message")));
        });
    return new ReplicationDetail(
        ReplicationInfo.of(Json.object(json, "info")),
        ReplicationOptions.of(Json.object(json, "settings")),
        Json.number(hourly, "ok"),
        Json.number(hourly, "errored"),
        errors,
        json);
  }
}
