package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.server.http.RawClient;
import io.pannier.server.http.RawH2Client;
import io.pannier.server.http.TestTls;
import io.pannier.server.http.TlsFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API over TLS, with HTTP/2 and HTTP/1.1: records, batches and queries as without. */
class TlsApiTest extends ApiFixture {
  @TempDir static Path certificates;
  private static TlsFiles files;
  private static SSLContext trusting;

  @BeforeAll
  static void issue() throws Exception {
    var tls = new TestTls();
    files = tls.files(certificates);
    trusting = tls.client(Optional.empty());
  }

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withTls(
        new ServerConfig.Tls(files.certificate(), files.key(), files.clientCa(), false));
  }

  @Override
  Wire connect(int port) throws IOException {
    return new Wire(TestTls.connect(trusting, port, 0, "TLSv1.3", "http/1.1"));
  }

  private RawH2Client client() throws IOException {
    return new RawH2Client(TestTls.connect(trusting, server.port(), 0, "TLSv1.3", "h2"));
  }

  private RawClient.Answer call(
      RawH2Client client, String method, String path, byte[] body, String... fields)
      throws IOException {
    var all = new ArrayList<>(List.of(fields));
    all.add("authorization: Bearer " + TOKEN);
    if (body.length > 0) {
      all.add("content-length: " + body.length);
    }
    int stream = client.request(method, "/api/v1/" + path, all, body.length == 0);
    if (body.length > 0) {
      client.data(stream, body, true);
    }
    return client.receive(stream);
  }

  @Test
  void recordsBatchesAndQueries() throws IOException {
    try (var client = client()) {
      works(client);
    }
  }

  private void works(RawH2Client client) throws IOException {
    byte[] none = {};
    String entry = "b/" + bucket + "/camera";
    byte[] large = bytes(3_000_000, 7);
    assertThat(
            call(
                    client,
                    "POST",
                    entry + "?ts=1000",
                    ascii("one"),
                    "x-reduct-label-z: 1",
                    "x-reduct-label-a: 2")
                .status())
        .isEqualTo(200);
    assertThat(call(client, "POST", entry + "?ts=2000", large).status()).isEqualTo(200);
    RawClient.Answer read = call(client, "GET", entry + "?ts=1000", none);
    assertThat(read.text()).isEqualTo("one");
    assertThat(read.header("x-reduct-label-z")).isEqualTo("1");
    assertThat(Arrays.equals(call(client, "GET", entry + "?ts=2000", none).body(), large)).isTrue();
    RawClient.Answer batch =
        call(
            client,
            "POST",
            entry + "/batch",
            ascii("aabbb"),
            "x-reduct-time-3000: 2,text/plain",
            "x-reduct-time-4000: 3,text/plain");
    assertThat(batch.status()).isEqualTo(200);
    String query = call(client, "POST", entry + "/q", ascii("{\"query_type\":\"QUERY\"}")).text();
    RawClient.Answer all =
        call(client, "GET", entry + "/batch?q=" + query.replaceAll("[^0-9]", ""), none);
    assertThat(
            all.headers().stream()
                .filter(header -> header.startsWith("x-reduct-time-"))
                .map(header -> header.substring(14, header.indexOf(':'))))
        .containsExactly("1000", "2000", "3000", "4000");
    assertThat(all.body()).hasSize(3 + large.length + 5);
    assertThat(call(client, "GET", entry + "?ts=9", none).status()).isEqualTo(404);
    assertThat(new String(all.body(), all.body().length - 5, 5, StandardCharsets.US_ASCII))
        .isEqualTo("aabbb");
  }

  @Test
  void anUploadThatIsResetIsNotStored() throws IOException {
    try (var client = client()) {
      int stream =
          client.request(
              "POST",
              "/api/v1/b/" + bucket + "/e?ts=5",
              List.of("authorization: Bearer " + TOKEN, "content-length: 3000000"),
              false);
      client.data(stream, new byte[1_000_000], false);
      client.cancel(stream);
      assertThat(call(client, "POST", "b/" + bucket + "/e?ts=6", ascii("x")).status())
          .isEqualTo(200);
      assertThat(call(client, "GET", "b/" + bucket + "/e?ts=5", new byte[0]).status())
          .isNotEqualTo(200);
      assertThat(timesOf("e")).containsExactly("6");
    }
  }
}
