package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.http.BodyReader;
import io.pannier.store.Backup;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** The body of a restore: lines, and behind those of blocks their bytes with a checksum. */
final class RestoreBody {
  /** Longest line; names are bounded, so are numbers. */
  private static final int LINE_MAX = 16 << 10;

  private final BodyReader body;
  private final CRC32C crc = new CRC32C();
  private final ByteBuffer window = ByteBuffer.allocate(64 << 10).order(ByteOrder.LITTLE_ENDIAN);
  private boolean isFirst = true;

  RestoreBody(BodyReader body) {
    this.body = body;
    window.limit(0);
  }

  /**
   * The next line.
   *
   * @throws PannierException.Invalid when it is none
   */
  Backup.Line line() {
    if (isFirst) {
      isFirst = false;
      String first = text();
      if (!Backup.isMagic(first)) {
        throw new PannierException.Invalid("The body is no restore of a version that is known");
      }
    }
    try {
      return Backup.parse(text());
    } catch (IOException malformed) {
      throw new PannierException.Invalid("Malformed restore: " + malformed.getMessage());
    }
  }

  private String text() {
    var line = new ByteArrayOutputStream(256);
    for (; ; ) {
      while (window.hasRemaining()) {
        byte next = window.get();
        if (next == '\n') {
          return line.toString(StandardCharsets.UTF_8);
        }
        line.write(next);
        if (line.size() > LINE_MAX) {
          throw new PannierException.Invalid("Malformed restore: a line is too long");
        }
      }
      fill();
    }
  }

  private void fill() {
    window.clear();
    int read = body.read(window);
    window.flip();
    if (read < 0) {
      throw new PannierException.BadRequest("The restore was cut short");
    }
  }

  void beginBytes() {
    crc.reset();
  }

  /** Fills the buffer with what comes next. */
  void read(ByteBuffer target) {
    while (target.hasRemaining()) {
      int from = target.position();
      if (window.hasRemaining()) {
        int some = Math.min(target.remaining(), window.remaining());
        target.put(from, window, window.position(), some).position(from + some);
        window.position(window.position() + some);
      } else if (body.read(target) < 0) {
        throw new PannierException.BadRequest("The restore was cut short");
      }
      crc.update(target.duplicate().flip().position(from));
    }
  }

  /** Compares the checksum behind the bytes. */
  void endBytes() {
    int found = (int) crc.getValue();
    var told = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    read(told);
    if (told.getInt(0) != found) {
      throw new PannierException.BadRequest("The bytes of a block do not match their checksum");
    }
  }
}
