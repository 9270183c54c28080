package io.pannier.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseReaderTest {
  /** Gives these bytes, so many at a time. */
  private record Pieces(ByteBuffer bytes, int atOnce) implements ReadableByteChannel {
    @Override
    public int read(ByteBuffer into) {
      if (!bytes.hasRemaining()) {
        return -1;
      }
      int count = Math.min(Math.min(atOnce, bytes.remaining()), into.remaining());
      into.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private static final String BATCH =
      """
      HTTP/1.1 200 OK
      Content-Length: 10
      x-reduct-time-1000: 4,image/jpeg,cam=l
      x-reduct-time-1001: 6,application/octet-stream
      x-reduct-error-1002: 409,A record with timestamp 1002 already exists
      x-reduct-api: 1.21
      x-reduct-last: true

      """
          .replace("\n", "\r\n");

  private final ResponseReader reader = new ResponseReader(64);

  private void read(String text, int atOnce, boolean head, boolean keep) throws IOException {
    var pieces = new Pieces(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)), atOnce);
    reader.expect(head, keep);
    while (!reader.receive(pieces)) {
      assertThat(pieces.bytes().hasRemaining()).isTrue();
    }
    assertThat(pieces.bytes().hasRemaining()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 64, 1000})
  void aBatchInPieces(int atOnce) throws IOException {
    read(BATCH + "aaaabbbbbb", atOnce, false, true);
    assertThat(reader.status()).isEqualTo(200);
    assertThat(reader.bodyBytes()).isEqualTo(10);
    assertThat(reader.records()).isEqualTo(2);
    assertThat(reader.recordErrors()).isEqualTo(1);
    assertThat(reader.error()).isEqualTo("409,A record with timestamp 1002 already exists");
    assertThat(reader.last()).isTrue();
    assertThat(reader.close()).isFalse();
    assertThat(reader.bodyText()).isEqualTo("aaaabbbbbb");
  }

  @Test
  void theSecondProtocol() throws IOException {
    read(
        """
        HTTP/1.1 200 OK
        x-reduct-entries: m%2Fa
        x-reduct-start-ts: 5
        x-reduct-labels: 7,cam
        x-reduct-0-0: 3,a/b
        x-reduct-0-1: 3,,0=1
        content-length: 0
        x-reduct-last: false
        connection: close

        """
            .replace("\n", "\r\n"),
        1000,
        false,
        false);
    assertThat(reader.records()).isEqualTo(2);
    assertThat(reader.last()).isFalse();
    assertThat(reader.close()).isTrue();
  }

  @Test
  void noBodyAfterHeadAnd204() throws IOException {
    read(BATCH, 1000, true, false);
    assertThat(reader.bodyBytes()).isZero();
    read("HTTP/1.1 204 No Content\r\ncontent-length: 24\r\n\r\n", 1000, false, false);
    assertThat(reader.status()).isEqualTo(204);
    assertThat(reader.records()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 1000})
  void interimResponsesAreSkipped(int atOnce) throws IOException {
    read(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n"
            + "x-reduct-error: Bucket 'b' is not found\r\n\r\n{}",
        atOnce,
        false,
        false);
    assertThat(reader.status()).isEqualTo(404);
    assertThat(reader.error()).isEqualTo("Bucket 'b' is not found");
    assertThat(reader.recordErrors()).isZero();
  }

  @Test
  void whatCannotBeUnderstoodFails() {
    assertThatThrownBy(() -> read("HTTP/1.1 200 OK\r\n\r\nx", 1000, false, false))
        .isInstanceOf(ProtocolException.class);
    assertThatThrownBy(
            () -> read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1000, false, false))
        .isInstanceOf(ProtocolException.class);
    assertThatThrownBy(() -> read("SSH-2.0-OpenSSH_9.6\r\n\r\n", 1000, false, false))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void anEarlyEndFails() {
    var pieces = new Pieces(ByteBuffer.wrap(RequestBuffer.ascii("HTTP/1.1 200 OK\r\n")), 1000);
    reader.expect(false, false);
    assertThatThrownBy(
            () -> {
              while (!reader.receive(pieces)) {
                assertThat(reader.records()).isZero();
              }
            })
        .isInstanceOf(EOFException.class);
  }
}
