package io.pannier.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/**
 * The body of a request. It may be written again when a connection turned out to be dead, unless
 * {@link #isRepeatable} says no.
 */
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

  /** Whether it can be written more than once; a request with one that cannot is never repeated. */
  default boolean isRepeatable() {
    return true;
  }

  /**
   * Writes all of it.
   *
   * @throws IOException when the stream fails; whatever else it throws ends the request and the
   *     connection, and is passed on
   */
  void writeTo(OutputStream out) throws IOException;

  /** These bytes, which must not change before the call has ended. */
  static Body of(byte[] bytes) {
    return new Bodies.Bytes(bytes);
  }

  /** A text in UTF-8. */
  static Body of(String text) {
    return new Bodies.Bytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * A file, read while it is sent.
   *
   * @throws UncheckedIOException when its size cannot be asked
   */
  static Body of(Path file) {
    try {
      return new Bodies.OfFile(file, Files.size(file));
    } catch (IOException failed) {
      throw new UncheckedIOException("Cannot read " + file, failed);
    }
  }

  /**
   * The next bytes of a stream; sent once, so a call with it is not repeated. The stream stays
   * open.
   */
  static Body of(InputStream in, long length) {
    return new Bodies.OfStream(in, length);
  }

  /**
   * The next bytes of a channel; sent once, so a call with it is not repeated. The channel stays
   * open.
   */
  static Body of(ReadableByteChannel channel, long length) {
    return new Bodies.OfStream(Channels.newInputStream(channel), length);
  }

  /**
   * This body, with a listener that is told how many bytes went so far, in steps of up to 64 KiB.
   * When a call is repeated it begins with 0 again.
   */
  default Body watchedBy(LongConsumer progress) {
    return new Bodies.Watched(this, progress);
  }
}
