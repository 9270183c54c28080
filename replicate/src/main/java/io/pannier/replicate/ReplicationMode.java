package io.pannier.replicate;

import java.util.Locale;

/** What a task does. */
public enum ReplicationMode {
  /** Collects and sends. */
  ENABLED,
  /** Collects only. */
  PAUSED,
  /** Neither: what is written meanwhile is not sent later. */
  DISABLED;

  /** Its name in the API. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
