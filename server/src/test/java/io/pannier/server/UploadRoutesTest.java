package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Records that come over several connections (docs/replication.md, "Large records"). */
class UploadRoutesTest extends ApiFixture {
  private static final String HEADER = "x-reduct-time-5";

  private final byte[] body = bytes(600_000, 7);

  private String path(String more) {
    return "io/" + bucket + "/upload?entry=a/b&ts=5&id=one" + more;
  }

  private Wire.Request part(int from, int to) {
    return request("POST", path("&offset=" + from))
        .header(HEADER, body.length + ",image/png,Upper=1,text=\"x,y\"")
        .body(Arrays.copyOfRange(body, from, to));
  }

  private static String crc(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes);
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  private Wire.Answer finish(String crc) throws IOException {
    return send(request("PUT", path("")).header("x-pannier-crc32c", crc));
  }

  @Test
  void partsBecomeARecord() throws Exception {
    assertThat(send(part(0, 100_000)).header("x-pannier-upload-offset")).hasValue("100000");
    assertThat(send("GET", path("")).header("x-pannier-upload-offset")).hasValue("100000");
    assertThat(send("GET", "b/" + bucket + "/a/b?ts=5").status()).isEqualTo(425);
    assertThat(send("GET", "b/" + bucket).text()).contains("\"record_count\":0");
    assertThat(send(part(100_000, 600_000)).header("x-pannier-upload-offset")).hasValue("600000");
    assertThat(finish(crc(body)).summary()).isEqualTo("200 (no error)");
    Wire.Answer there = send("GET", "b/" + bucket + "/a/b?ts=5");
    assertThat(there.body()).isEqualTo(body);
    assertThat(there.header("content-type")).hasValue("image/png");
    assertThat(there.own("x-reduct-label"))
        .containsExactlyInAnyOrder("x-reduct-label-text: x,y", "x-reduct-label-upper: 1");
    assertThat(send("GET", path("")).status()).isEqualTo(409);
    assertThat(send(part(0, 100)).status()).isEqualTo(409);
  }

  @Test
  void whatArrivedBeforeTheConnectionEndedIsKept() throws Exception {
    byte[] head =
        ("POST /api/v1/"
                + path("&offset=0")
                + " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
                + TOKEN
                + "\r\n"
                + HEADER
                + ": 600000,image/png\r\ncontent-length: 600000\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8);
    try (var broken = new Wire(server.port())) {
      broken.write(head);
      broken.write(Arrays.copyOf(body, 250_000));
      String arrived = "0";
      for (int i = 0; i < 500 && !arrived.equals("250000"); i++) {
        Thread.sleep(20); // tidy: polls a condition, with an end
        arrived = send("GET", path("")).header("x-pannier-upload-offset").orElse("0");
      }
      assertThat(arrived).isEqualTo("250000");
    }
    assertThat(send("GET", path("")).header("x-pannier-upload-offset")).hasValue("250000");
    send(part(250_000, 600_000));
    assertThat(finish(crc(body)).status()).isEqualTo(200);
    assertThat(send("GET", "b/" + bucket + "/a/b?ts=5").body()).isEqualTo(body);
  }

  @Test
  void anotherPlaceThanTheEndIsRefusedAndTold() throws Exception {
    send(part(0, 1000));
    Wire.Answer wrong = send(part(0, 1000));
    assertThat(wrong.summary()).isEqualTo("412 The upload goes on at byte 1000");
    assertThat(wrong.header("x-pannier-upload-offset")).hasValue("1000");
    assertThat(send(part(2000, 3000)).header("x-pannier-upload-offset")).hasValue("1000");
  }

  @Test
  void oneMayBeGivenUp() throws Exception {
    send(part(0, 1000));
    assertThat(send("DELETE", path("")).status()).isEqualTo(200);
    assertThat(send("DELETE", path("")).summary()).isEqualTo("404 Upload 'one' does not exist");
    assertThat(send("GET", path("")).summary()).isEqualTo("404 Upload 'one' does not exist");
    assertThat(finish(crc(body)).summary()).isEqualTo("404 Upload 'one' does not exist");
  }

  @Test
  void aWrongChecksumGivesItUp() throws Exception {
    send(part(0, 600_000));
    assertThat(finish("00000000").summary())
        .isEqualTo("400 Upload 'one' does not match its checksum and was given up");
    assertThat(send("GET", path("")).status()).isEqualTo(404);
  }

  @Test
  void aRestartForgetsIt() throws Exception {
    send(part(0, 300_000));
    restart();
    assertThat(send("GET", path("")).status()).isEqualTo(404);
    send(part(0, 600_000));
    assertThat(finish(crc(body)).status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ts=5&id=x&offset=0|422 'entry' parameter is required",
        "entry=e&id=x&offset=0|422 'ts' parameter is required",
        "entry=e&ts=5&offset=0|422 'id' parameter must be 1 to 100 letters, digits, '-' and '_'",
        "entry=e&ts=5&id=a.b&offset=0|422 'id' parameter must be 1 to 100 letters, digits, '-' and '_'",
        "entry=e&ts=5&id=x|422 'offset' parameter must be a number of bytes",
        "entry=e&ts=5&id=x&offset=-1|422 'offset' parameter must be a number of bytes",
        "entry=e&ts=5&id=x&offset=9|422 'offset' and content-length must lie within the 10 bytes of the record",
        "entry=e&ts=6&id=x&offset=0|422 One header x-reduct-time-6 is required",
        "entry=e/$meta&ts=5&id=x&offset=0|422 Attachments cannot be uploaded in parts",
        "entry=a//b&ts=5&id=x&offset=0|422 Entry name must be non-empty and must not contain empty path segments",
      })
  void whatMakesNoSenseIsRefused(String query, String error) throws Exception {
    assertThat(
            send(request("POST", "io/" + bucket + "/upload?" + query)
                    .header(HEADER, "10,")
                    .body("abc"))
                .summary())
        .isEqualTo(error);
    assertThat(server.context().uploads().size()).isZero();
  }

  @Test
  void whatIsThereIsAskedOfAnExistingEntry() throws Exception {
    assertThat(send("GET", path("")).status()).isEqualTo(404);
    assertThat(send("GET", "io/nope/upload?entry=e&ts=5&id=x").summary())
        .isEqualTo("404 Bucket 'nope' is not found");
    assertThat(finish("zz").status()).isEqualTo(422);
  }

  @Test
  void aServerTellsThatItTakesThem() throws Exception {
    assertThat(send("GET", "info").text()).contains("\"capabilities\":[\"uploads\"]");
    assertThat(send(request("GET", "b/" + bucket).header("x-pannier-store", "wanted")))
        .satisfies(
            answer -> assertThat(answer.header("x-pannier-capabilities")).hasValue("uploads"));
    assertThat(send("GET", "b/" + bucket).header("x-pannier-capabilities")).isEmpty();
  }
}
