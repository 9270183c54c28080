package io.pannier.model;

import org.jspecify.annotations.Nullable;

/**
 * Everything that can go wrong and be told to a client: a closed tree, so that each front (HTTP
 * status, exit code) is one switch without default. The message is the text the client reads.
 * Errors that are part of normal life carry no stack trace; {@link Damaged} and {@link Internal}
 * do.
 */
public abstract sealed class PannierException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private PannierException(String message, @Nullable Throwable cause, boolean withTrace) {
    super(message, cause, withTrace, withTrace);
  }

  /**
   * The request is well formed but its content contradicts itself or a limit that the client set:
   * short body, HARD quota, closed query.
   */
  public static final class BadRequest extends PannierException {
    private static final long serialVersionUID = 1L;

    public BadRequest(String message) {
      super(message, null, false);
    }
  }

  /** No valid credentials. */
  public static final class Unauthorized extends PannierException {
    private static final long serialVersionUID = 1L;

    public Unauthorized(String message) {
      super(message, null, false);
    }
  }

  /** Valid credentials that do not allow this. */
  public static final class Forbidden extends PannierException {
    private static final long serialVersionUID = 1L;

    public Forbidden(String message) {
      super(message, null, false);
    }
  }

  /** The named bucket, entry, record or query does not exist. */
  public static final class NotFound extends PannierException {
    private static final long serialVersionUID = 1L;

    public NotFound(String message) {
      super(message, null, false);
    }
  }

  /** The thing exists already, is provisioned, or is being removed. */
  public static final class Conflict extends PannierException {
    private static final long serialVersionUID = 1L;

    public Conflict(String message) {
      super(message, null, false);
    }
  }

  /** A parameter, header, name or body is malformed. */
  public static final class Invalid extends PannierException {
    private static final long serialVersionUID = 1L;

    public Invalid(String message) {
      super(message, null, false);
    }
  }

  /** The record is still being written. */
  public static final class TooEarly extends PannierException {
    private static final long serialVersionUID = 1L;

    public TooEarly(String message) {
      super(message, null, false);
    }
  }

  /** A rate or a count is exceeded; the same request may succeed later. */
  public static final class TooMany extends PannierException {
    private static final long serialVersionUID = 1L;
    private final int retryAfterSeconds;
    private final Refusal reason;

    public TooMany(Refusal reason, String message, int retryAfterSeconds) {
      super(message, null, false);
      this.reason = reason;
      this.retryAfterSeconds = retryAfterSeconds;
    }

    /** For a reason that has no name of its own: {@link Refusal#BUSY}. */
    public TooMany(String message, int retryAfterSeconds) {
      this(Refusal.BUSY, message, retryAfterSeconds);
    }

    /** Why, for statistics. */
    public Refusal reason() {
      return reason;
    }

    /** Seconds after which a retry makes sense. */
    public int retryAfterSeconds() {
      return retryAfterSeconds;
    }
  }

  /**
   * The server cannot do it at this moment (starting, overloaded, every block busy); the same
   * request may succeed later.
   */
  public static final class Unavailable extends PannierException {
    private static final long serialVersionUID = 1L;
    private final int retryAfterSeconds;
    private final Refusal reason;

    public Unavailable(Refusal reason, String message, int retryAfterSeconds) {
      super(message, null, false);
      this.reason = reason;
      this.retryAfterSeconds = retryAfterSeconds;
    }

    /** For a reason that has no name of its own: {@link Refusal#BUSY}. */
    public Unavailable(String message, int retryAfterSeconds) {
      this(Refusal.BUSY, message, retryAfterSeconds);
    }

    /** Why, for statistics. */
    public Refusal reason() {
      return reason;
    }

    /** Seconds after which a retry makes sense. */
    public int retryAfterSeconds() {
      return retryAfterSeconds;
    }
  }

  /** All buckets together hold as much as the operator allows. */
  public static final class OverCap extends PannierException {
    private static final long serialVersionUID = 1L;

    public OverCap(String message) {
      super(message, null, false);
    }
  }

  /** The device has no room left that records may take. */
  public static final class DiskFull extends PannierException {
    private static final long serialVersionUID = 1L;

    public DiskFull(String message) {
      super(message, null, false);
    }
  }

  /** Stored bytes do not match their checksum; they are never served. */
  public static final class Damaged extends PannierException {
    private static final long serialVersionUID = 1L;

    public Damaged(String message) {
      super(message, null, true);
    }
  }

  /** Input or output failed, or a fault of ours. */
  public static final class Internal extends PannierException {
    private static final long serialVersionUID = 1L;

    public Internal(String message, @Nullable Throwable cause) {
      super(message, cause, true);
    }
  }
}
