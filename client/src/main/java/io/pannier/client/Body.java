package io.pannier.client;

import java.io.IOException;
import java.io.OutputStream;

/** The body of a request. It may be written again when a connection turned out to be dead. */
public interface Body {
  /** Nothing. */
  Body EMPTY =
      new Body() {
        @Override
        public long length() {
          return 0;
        }

        @Override
        public void writeTo(OutputStream out) {}
      };

  /** Bytes that {@link #writeTo} writes. */
  long length();

  /**
   * Writes all of it.
   *
   * @throws IOException when the stream fails; whatever else it throws ends the request and the
   *     connection, and is passed on
   */
  void writeTo(OutputStream out) throws IOException;
}
