package io.pannier.client;

import java.util.Locale;

/** Whether a replication or a lifecycle works. */
public enum TaskMode {
  ENABLED,
  DISABLED,
  /** A replication that collects and does not send. */
  PAUSED,
  /** A lifecycle that only tells what it would do. */
  DRY_RUN;

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static TaskMode of(String text) {
    return text.isEmpty() ? ENABLED : valueOf(text.toUpperCase(Locale.ROOT));
  }
}
