package io.pannier.client;

import org.jspecify.annotations.Nullable;

/** What can go wrong with a call to a store. */
public abstract sealed class ClientException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private ClientException(String message, @Nullable Throwable cause) {
    super(message, cause, false, false);
  }

  /** The status of the answer, or the negative number that stands for it in diagnostics. */
  public abstract int code();

  /** The store answered with an error. */
  public static final class Refused extends ClientException {
    private static final long serialVersionUID = 1L;
    private final int status;
    private final int retryAfterSeconds;

    /**
     * @param retryAfterSeconds 0 when the store does not say
     */
    public Refused(int status, String message, int retryAfterSeconds) {
      super(message, null);
      this.status = status;
      this.retryAfterSeconds = retryAfterSeconds;
    }

    @Override
    public int code() {
      return status;
    }

    /** Seconds that the store wants to be left alone; 0 when it does not say. */
    public int retryAfterSeconds() {
      return retryAfterSeconds;
    }
  }

  /** No connection could be made: nothing was sent. */
  public static final class Unreachable extends ClientException {
    private static final long serialVersionUID = 1L;

    public Unreachable(String message, Throwable cause) {
      super(message, cause);
    }

    @Override
    public int code() {
      return -3;
    }
  }

  /** The store did not answer in time; it may have done what it was asked. */
  public static final class TimedOut extends ClientException {
    private static final long serialVersionUID = 1L;

    public TimedOut(String message) {
      super(message, null);
    }

    @Override
    public int code() {
      return -2;
    }
  }

  /** The connection ended in the middle; the store may have done what it was asked. */
  public static final class Broken extends ClientException {
    private static final long serialVersionUID = 1L;

    public Broken(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    @Override
    public int code() {
      return -6;
    }
  }

  /** The store is too old for what was asked, or does not speak this protocol: nothing was done. */
  public static final class Unsupported extends ClientException {
    private static final long serialVersionUID = 1L;

    public Unsupported(String message) {
      super(message, null);
    }

    @Override
    public int code() {
      return -4;
    }
  }
}
