package io.pannier.server.events;

import io.pannier.model.Labels;
import io.pannier.replicate.ReplicationWarning;

/** Warnings of replications as events. */
final class ReplicationEvent {
  private static final int AHEAD = 503;
  private static final int LOST = 507;

  private ReplicationEvent() {}

  static SystemEvent of(ReplicationWarning warning, long now) {
    return new SystemEvent(
        "replications",
        warning.task(),
        now,
        switch (warning) {
          case ReplicationWarning.LossAhead _ -> AHEAD;
          case ReplicationWarning.Lost _ -> LOST;
        },
        warning.text(),
        Labels.EMPTY,
        json -> {
          switch (warning) {
            case ReplicationWarning.LossAhead ahead -> {
              json.writeStringField("event", "loss_ahead");
              json.writeNumberField("pending_records", ahead.pendingRecords());
              json.writeNumberField("pending_bytes", ahead.pendingBytes());
              json.writeNumberField("loss_seconds", ahead.seconds());
              json.writeNumberField("loss_bytes", ahead.bytes());
            }
            case ReplicationWarning.Lost lost -> {
              json.writeStringField("event", "lost");
              json.writeNumberField("lost_records", lost.records());
              json.writeNumberField("lost_bytes", lost.bytes());
              json.writeNumberField("total_lost_records", lost.totalRecords());
              json.writeNumberField("total_lost_bytes", lost.totalBytes());
            }
          }
        });
  }
}
