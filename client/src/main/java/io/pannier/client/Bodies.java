package io.pannier.client;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/** The usual bodies. What goes wrong with their source is not mistaken for a broken connection. */
final class Bodies {
  private static final int BUFFER = 64 * 1024;

  private Bodies() {}

  static final class Bytes implements Body {
    private final byte[] bytes;

    Bytes(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long length() {
      return bytes.length;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      out.write(bytes);
    }
  }

  record OfFile(Path file, long length) implements Body {
    @Override
    public void writeTo(OutputStream out) throws IOException {
      InputStream in;
      try {
        in = Files.newInputStream(file);
      } catch (IOException failed) {
        throw new UncheckedIOException("Cannot read " + file, failed);
      }
      try (in) {
        copy(in, length, out);
      }
    }
  }

  static final class OfStream implements Body {
    private final InputStream in;
    private final long length;

    OfStream(InputStream in, long length) {
      this.in = in;
      this.length = length;
    }

    @Override
    public long length() {
      return length;
    }

    @Override
    public boolean isRepeatable() {
      return false;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      copy(in, length, out);
    }
  }

  record Watched(Body body, LongConsumer progress) implements Body {
    @Override
    public long length() {
      return body.length();
    }

    @Override
    public boolean isRepeatable() {
      return body.isRepeatable();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      body.writeTo(new Counting(out, progress));
    }
  }

  private static final class Counting extends FilterOutputStream {
    private final LongConsumer progress;
    private long sent;

    Counting(OutputStream out, LongConsumer progress) {
      super(out);
      this.progress = progress;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      progress.accept(++sent);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      for (int at = 0; at < length; at += BUFFER) {
        int some = Math.min(BUFFER, length - at);
        out.write(bytes, from + at, some);
        sent += some;
        progress.accept(sent);
      }
    }
  }

  private static void copy(InputStream in, long length, OutputStream out) throws IOException {
    var buffer = new byte[BUFFER];
    for (long left = length; left > 0; ) {
      int got;
      try {
        got = in.read(buffer, 0, (int) Math.min(buffer.length, left));
      } catch (IOException failed) {
        throw new UncheckedIOException("Cannot read what is to be sent", failed);
      }
      if (got < 0) {
        throw new UncheckedIOException(
            new IOException("what is to be sent ended " + left + " bytes early"));
      }
      out.write(buffer, 0, got);
      left -= got;
    }
  }
}
