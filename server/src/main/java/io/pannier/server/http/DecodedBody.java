package io.pannier.server.http;

import io.pannier.model.PannierException;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A body whose coding is undone while it is read; how long it is shows at its end. */
final class DecodedBody implements BodyReader {
  private static final int PIECE = 64 << 10;

  private final HttpBody coded;
  private final ContentCoding coding;
  private @Nullable InputStream decoder;
  private byte @Nullable [] piece;
  private long received;

  DecodedBody(HttpBody coded, ContentCoding coding) {
    this.coded = coded;
    this.coding = coding;
  }

  /** The body as it came, for a library that reads streams. */
  private final class Coded extends InputStream {
    @Override
    public int read() {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int from, int length) {
      return coded.read(ByteBuffer.wrap(target, from, length));
    }
  }

  private int decode(byte[] target, int from, int length) {
    try {
      InputStream stream = decoder;
      if (stream == null) {
        stream = coding.decoded(new Coded());
        decoder = stream;
      }
      int count = stream.read(target, from, length);
      received += Math.max(0, count);
      return count;
    } catch (EOFException cut) {
      throw new PannierException.BadRequest("unexpected end of file");
    } catch (IOException malformed) {
      throw new PannierException.BadRequest(
          coding == ContentCoding.GZIP && received == 0
              ? "Invalid gzip header"
              : "Request body cannot be decoded: " + malformed.getMessage());
    }
  }

  @Override
  public @Nullable ByteBuffer next() {
    byte[] bytes = piece;
    if (bytes == null) {
      bytes = new byte[PIECE];
      piece = bytes;
    }
    int count = decode(bytes, 0, bytes.length);
    return count < 0 ? null : ByteBuffer.wrap(bytes, 0, count).asReadOnlyBuffer();
  }

  @Override
  public int read(ByteBuffer target) {
    if (!target.hasRemaining()) {
      return 0;
    }
    var bytes = new byte[Math.min(PIECE, target.remaining())];
    int count = decode(bytes, 0, bytes.length);
    if (count > 0) {
      target.put(bytes, 0, count);
    }
    return count;
  }

  @Override
  public byte[] readAll(int maxBytes) {
    var all = new ByteArrayOutputStream();
    for (ByteBuffer bytes = next(); bytes != null; bytes = next()) {
      if (bytes.remaining() > maxBytes - all.size()) {
        throw HttpBody.tooLong(maxBytes);
      }
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      all.writeBytes(copy);
    }
    return all.toByteArray();
  }

  @Override
  public void drain() {
    coded.drain();
  }

  @Override
  public long receivedBytes() {
    return received;
  }
}
