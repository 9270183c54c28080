package io.pannier.server.settings;

/** What a line of the log looks like. */
public enum LogFormat {
  /** For people: time, level, logger, message, fields as {@code name="value"}. */
  TEXT,
  /** For programs: one JSON object a line. */
  JSON
}
