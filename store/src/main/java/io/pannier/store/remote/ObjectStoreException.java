package io.pannier.store.remote;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** An object store refused, failed or did not answer. */
public final class ObjectStoreException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Each with its own remedy. */
  public enum Kind {
    /** Too many requests: the same one may succeed later. */
    THROTTLED,
    /** No answer, or an error of the store: it may have happened or not, and may succeed later. */
    UNAVAILABLE,
    /** Credentials are missing, wrong, expired or not sufficient. */
    DENIED,
    /** There is no such bucket. */
    NO_BUCKET,
    /** There is no such object. */
    NOT_FOUND,
    /** The object is not as the request demanded. */
    CONDITION_FAILED,
    /** What came is not what was put, or not all of it. */
    DAMAGED,
    /** The store does not know this kind of request, or refuses it for good. */
    REFUSED
  }

  private final Kind kind;

  public ObjectStoreException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** What went wrong. */
  public Kind kind() {
    return kind;
  }

  /** Whether a failure is one of this kind. */
  public static boolean is(Throwable failure, Kind kind) {
    return failure instanceof ObjectStoreException known && known.kind == kind;
  }
}
