package io.pannier.client;

import io.pannier.model.Labels;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.function.LongConsumer;

/**
 * A record on its way from a store; its body is read once, while it comes. Close it, or the stream
 * that it came from. One thread at a time.
 */
public final class StoredRecord implements AutoCloseable {
  private final RecordInfo info;
  private final InputStream body;

  StoredRecord(RecordInfo info, InputStream body) {
    this.info = info;
    this.body = body;
  }

  /** What the store says about it. */
  public RecordInfo info() {
    return info;
  }

  /** Name of its entry. */
  public String entry() {
    return info.entry();
  }

  /** Its time, µs since the epoch, unsigned. */
  public long timestamp() {
    return info.timestamp();
  }

  /** Bytes of its body. */
  public long length() {
    return info.length();
  }

  /** Its type, as it was stored. */
  public String contentType() {
    return info.contentType();
  }

  /** Its labels. */
  public Labels labels() {
    return info.labels();
  }

  /**
   * The body, as it comes. It ends early with an exception, never silently.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="read-stream"}
   */
  public InputStream body() {
    return body;
  }

  /**
   * All of the body.
   *
   * @throws UncheckedIOException when the connection ends in the middle
   * @throws OutOfMemoryError when it does not fit into an array
   */
  public byte[] bytes() {
    try {
      return body.readAllBytes();
    } catch (IOException cut) {
      throw new UncheckedIOException("Record " + this + " cannot be read to its end", cut);
    }
  }

  /** All of the body as a text in UTF-8. */
  public String text() {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  /**
   * Writes the body into a file, which appears whole or not at all: it is written under another
   * name beside it, which ends in {@code .part}, and renamed.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="read-file"}
   *
   * @param progress told how many bytes have been written so far
   * @throws UncheckedIOException when reading or writing fails; the file is then as it was before
   */
  public void saveTo(Path file, LongConsumer progress) {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try {
      boolean whole = false;
      try (var out =
          Files.newOutputStream(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        var buffer = new byte[64 * 1024];
        long written = 0;
        for (int got = body.read(buffer); got >= 0; got = body.read(buffer)) {
          out.write(buffer, 0, got);
          written += got;
          progress.accept(written);
        }
        whole = true;
      } finally {
        if (!whole) {
          Files.deleteIfExists(part);
        }
      }
      Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failed) {
      throw new UncheckedIOException("Record " + this + " cannot be saved", failed);
    }
  }

  /** Gives up what was not read. */
  @Override
  public void close() {
    try {
      body.close();
    } catch (IOException ignored) {
      // Nobody wants the rest.
    }
  }

  @Override
  public String toString() {
    return info.entry() + "@" + Long.toUnsignedString(info.timestamp());
  }
}
