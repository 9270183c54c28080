package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that a client compressed arrive as they were before (http-api.md §1.4). */
class CodedBodyTest extends ApiFixture {
  private static byte[] coded(String coding, byte[] bytes) throws IOException {
    if (coding.equals("zstd")) {
      return Zstd.compress(bytes);
    }
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private static byte[] bytes(int length) {
    var bytes = new byte[length];
    new Random(3).nextBytes(bytes);
    Arrays.fill(bytes, 0, length / 2, (byte) 7);
    return bytes;
  }

  private Wire.Request write(int timestamp, String coding, long length, byte[] body) {
    return request("POST", "b/" + bucket + "/e?ts=" + timestamp)
        .header("content-encoding", coding)
        .header("x-reduct-content-length", Long.toString(length))
        .body(body);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd", "GZIP"})
  void recordsOfAnySizeArriveWhole(String coding) throws IOException {
    int timestamp = 1;
    for (int length : new int[] {0, 1, 5_000, 300_000, 5_000_000}) {
      byte[] bytes = bytes(length);
      byte[] body = coded(coding.toLowerCase(java.util.Locale.ROOT), bytes);
      assertThat(send(write(timestamp, coding, length, body)).summary()).startsWith("200");
      assertThat(send(write(timestamp + 1, coding, length, body).chunked(1000)).summary())
          .startsWith("200");
      assertThat(send("GET", "b/" + bucket + "/e?ts=" + timestamp).body()).isEqualTo(bytes);
      assertThat(send("GET", "b/" + bucket + "/e?ts=" + (timestamp + 1)).body()).isEqualTo(bytes);
      timestamp += 2;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd"})
  void batchesAndJsonArriveWhole(String coding) throws IOException {
    byte[] two = "onetwo".getBytes(StandardCharsets.US_ASCII);
    assertThat(
            send(request("POST", "b/" + bucket + "/e/batch")
                    .header("content-encoding", coding)
                    .header("x-reduct-time-10", "3,text/plain,a=b")
                    .header("x-reduct-time-20", "3,text/plain")
                    .body(coded(coding, two))
                    .chunked(4))
                .summary())
        .startsWith("200");
    assertThat(send("GET", "b/" + bucket + "/e?ts=20").text()).isEqualTo("two");
    assertThat(
            send(request("POST", "io/" + bucket + "/write")
                    .header("content-encoding", coding)
                    .header("x-reduct-content-length", "6")
                    .header("x-reduct-entries", "f,g")
                    .header("x-reduct-start-ts", "30")
                    .header("x-reduct-0-0", "3,text/plain")
                    .header("x-reduct-1-0", "3,text/plain")
                    .body(coded(coding, two)))
                .summary())
        .startsWith("200");
    assertThat(send("GET", "b/" + bucket + "/g?ts=30").text()).isEqualTo("two");
    byte[] settings = "{\"quota_size\":77}".getBytes(StandardCharsets.US_ASCII);
    assertThat(
            send(request("PUT", "b/" + bucket)
                    .header("content-encoding", coding)
                    .body(coded(coding, settings)))
                .status())
        .isEqualTo(200);
    assertThat(send("GET", "b/" + bucket).text()).contains("\"quota_size\":77");
  }

  /** The reference stores what came as a broken record, or cuts what is too long. */
  @Test
  void aLengthThatIsNotThatOfTheContentIsRefused() throws IOException {
    byte[] body = coded("gzip", "hello".getBytes(StandardCharsets.US_ASCII));
    assertThat(send(write(1, "gzip", 4, body)).status()).isEqualTo(400);
    assertThat(send(write(1, "gzip", 6, body)).status()).isEqualTo(400);
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").status()).isEqualTo(404);
    assertThat(send(write(1, "gzip", 5, body)).status()).isEqualTo(200);
  }

  @Test
  void aLengthIsNeededBecauseTheCodingHidesIt() throws IOException {
    Wire.Answer answer =
        send(
            request("POST", "b/" + bucket + "/e?ts=1")
                .header("content-encoding", "gzip")
                .body(coded("gzip", bytes(10))));
    assertThat(answer.summary()).isEqualTo("422 content-length header is required");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "zstd"})
  void whatDoesNotDecodeIsRefusedAndTheConnectionLives(String coding) throws IOException {
    byte[] whole = coded(coding, bytes(100_000));
    assertThat(send(write(1, coding, 5, "plain".getBytes(StandardCharsets.US_ASCII))).status())
        .isEqualTo(400);
    assertThat(send(write(1, coding, 100_000, Arrays.copyOf(whole, whole.length / 2))).status())
        .isEqualTo(400);
    assertThat(
            send(request("PUT", "b/" + bucket)
                    .header("content-encoding", coding)
                    .body("{}x".getBytes(StandardCharsets.US_ASCII)))
                .status())
        .isEqualTo(400);
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").status()).isEqualTo(404);
  }

  @Test
  void aSmallBodyThatGrowsIsBounded() throws IOException {
    byte[] bomb = coded("gzip", new byte[50_000_000]);
    assertThat(
            send(request("PUT", "b/" + bucket).header("content-encoding", "gzip").body(bomb))
                .status())
        .isEqualTo(400);
    assertThat(send(write(1, "gzip", 10, bomb)).status()).isEqualTo(400);
  }

  @Test
  void otherCodingsAreNotTaken() throws IOException {
    Wire.Answer answer = send(write(1, "br", 3, new byte[3]));
    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.header("accept-encoding")).contains("zstd,gzip");
    assertThat(send(write(1, "gzip, gzip", 3, new byte[3])).status()).isEqualTo(415);
  }
}
