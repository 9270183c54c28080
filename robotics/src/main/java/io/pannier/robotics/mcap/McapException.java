package io.pannier.robotics.mcap;

import java.io.IOException;

/** A file that is no MCAP, is damaged, or uses what this reader does not know. */
public final class McapException extends IOException {
  private static final long serialVersionUID = 1;

  /** What is wrong with the file. */
  public enum Kind {
    /** It does not begin as an MCAP file does. */
    FOREIGN,
    /** It ends too early: the writer died, or the copy was cut. What is in front can be read. */
    TRUNCATED,
    /** A length, a reference or a checksum does not fit. */
    DAMAGED,
    /** A compression that is not known, or sizes beyond the reader's bounds. */
    UNSUPPORTED
  }

  private final Kind kind;
  private final long position;

  McapException(Kind kind, String message, long position) {
    super(message + " (at byte " + position + ")");
    this.kind = kind;
    this.position = position;
  }

  McapException(Kind kind, String message, long position, Throwable cause) {
    super(message + " (at byte " + position + ")", cause);
    this.kind = kind;
    this.position = position;
  }

  /** What is wrong. */
  public Kind kind() {
    return kind;
  }

  /** Where in the file, in bytes. */
  public long position() {
    return position;
  }
}
