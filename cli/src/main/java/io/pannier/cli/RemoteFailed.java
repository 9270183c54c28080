package io.pannier.cli;

import org.jspecify.annotations.Nullable;

/** A server could not be asked, or refused. The message is for the user. */
final class RemoteFailed extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final int status;

  RemoteFailed(String message, @Nullable Throwable cause) {
    super(message, cause, false, false);
    status = 0;
  }

  RemoteFailed(int status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  /** Status of the answer; 0 when there was none. */
  int status() {
    return status;
  }
}
