package io.pannier.server.events;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.util.OptionalLong;

/**
 * What a run of a lifecycle did, or why it did nothing.
 *
 * @param policy its name
 * @param status as of HTTP
 * @param message what went wrong; empty when nothing did
 * @param action {@code delete} or {@code compress}
 * @param nanos how long it took
 * @param records that were removed or compressed, or would have been
 * @param blocks that were compressed, or would have been
 * @param caughtUp whether everything old enough has been handled
 * @param processedTo up to where, µs; empty when nothing was handled yet
 */
public record LifecycleRun(
    String policy,
    int status,
    String message,
    String action,
    String bucket,
    long nanos,
    long records,
    long blocks,
    boolean caughtUp,
    OptionalLong processedTo) {
  SystemEvent event(long now) {
    return new SystemEvent(
        "lifecycle",
        policy,
        now,
        status,
        message,
        Labels.EMPTY,
        json -> {
          json.writeStringField("policy_name", policy);
          json.writeStringField("action_type", action);
          json.writeStringField("bucket", bucket);
          json.writeNumberField("duration", nanos / 1e9);
          json.writeNumberField("processed_records", records);
          json.writeNumberField("processed_blocks", blocks);
          json.writeBooleanField("caught_up", caughtUp);
          if (processedTo.isPresent()) {
            json.writeFieldName("last_processed_ts");
            json.writeNumber(Timestamp.toString(processedTo.getAsLong()));
          }
        });
  }
}
