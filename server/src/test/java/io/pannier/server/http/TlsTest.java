package io.pannier.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys, and clients that are not ours. */
class TlsTest {
  private static TestTls tls;

  @TempDir Path folder;
  private TlsFiles files;
  private final ArrayList<AutoCloseable> opened = new ArrayList<>();
  private HttpServer server;
  private int writes;

  @BeforeAll
  static void authority() throws Exception {
    tls = new TestTls();
  }

  @BeforeEach
  void issue() throws Exception {
    files = write(tls.issue("server"));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened.reversed()) {
      each.close();
    }
  }

  private TlsFiles write(X509Bundle bundle) throws IOException {
    TlsFiles written = TestTls.write(folder, bundle);
    touch(written.certificate());
    touch(written.key());
    return written;
  }

  /** Gives a file a time of its own, however coarse the clock of the file system is. */
  private void touch(Path file) throws IOException {
    Files.setLastModifiedTime(
        file, FileTime.from(Instant.ofEpochSecond(1_700_000_000L + ++writes)));
  }

  private void start(TlsFiles with, UnaryOperator<HttpServerConfig> change) {
    HttpServerConfig config =
        HttpServerConfig.defaults(failure -> Response.error(500, "" + failure), new SystemClock())
            .withAddress("127.0.0.1", 0)
            .withThreads(2, 8, 200)
            .withTls(Optional.of(with));
    server = HttpServer.start(change.apply(config), TlsTest::echo);
    opened.add(server);
  }

  private void start(TlsFiles with) {
    start(with, config -> config);
  }

  private static void echo(Exchange exchange) {
    exchange.block(blocked ->
        blocked.respond(
            Response.of(200)
                .header("x-path", blocked.path())
                .body(blocked.body().readAll(64 << 20))));
  }

  private SSLContext trusting() throws Exception {
    return tls.client(Optional.empty());
  }

  /** Name that the server shows to a new connection. */
  private String shown() throws Exception {
    try (SSLSocket socket = TestTls.connect(trusting(), server.port(), 0, "TLSv1.3", "http/1.1")) {
      var leaf = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return leaf.getSubjectX500Principal().getName();
    }
  }

  // ------------------------------------------------------------------------------------ files

  private static String pem(String type, byte[] der) {
    return "-----BEGIN "
        + type
        + "-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END "
        + type
        + "-----\n";
  }

  /** What is inside of a PKCS #8 key: the key in the form of its algorithm. */
  private static byte[] inner(byte[] pkcs8) {
    // Sequence, version, algorithm; then the octets, which are the last element.
    for (int at = 4; ; at++) {
      if (pkcs8[at] != 0x04) {
        continue;
      }
      int length = pkcs8[at + 1] & 0xff;
      int content = at + 2;
      if (length > 0x80) {
        int bytes = length - 0x80;
        length = 0;
        for (int i = 0; i < bytes; i++) {
          length = length << 8 | (pkcs8[content++] & 0xff);
        }
      }
      if (content + length == pkcs8.length) {
        return Arrays.copyOfRange(pkcs8, content, pkcs8.length);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"RSA PRIVATE KEY, true", "EC PRIVATE KEY, false"})
  void keysInTheFormOfTheirAlgorithmAreRead(String type, boolean rsa) throws Exception {
    CertificateBuilder builder = new CertificateBuilder();
    X509Bundle bundle =
        tls.issue(rsa ? builder.rsa2048() : builder.ecp256(), "older", Duration.ofDays(1));
    TlsFiles with = write(bundle);
    byte[] key = inner(bundle.getKeyPair().getPrivate().getEncoded());
    // Openssl puts the name of the curve in front.
    String before = rsa ? "" : pem("EC PARAMETERS", new byte[] {6, 1, 0});
    Files.writeString(with.key(), before + pem(type, key));
    start(with);
    assertThat(shown()).isEqualTo("CN=older");
  }

  @Test
  void rsaAndEd25519AreTakenAsPkcs8() throws Exception {
    for (CertificateBuilder.Algorithm algorithm :
        List.of(CertificateBuilder.Algorithm.rsa2048, CertificateBuilder.Algorithm.ed25519)) {
      TlsFiles with =
          write(
              tls.issue(
                  new CertificateBuilder().algorithm(algorithm),
                  algorithm.name(),
                  Duration.ofDays(1)));
      start(with);
      assertThat(shown()).isEqualTo("CN=" + algorithm.name());
    }
  }

  private void refusedToStart(String... reasons) {
    assertThatThrownBy(() -> start(files))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageContainingAll(reasons);
  }

  @Test
  void whatIsWrongWithTheFilesIsSaidAtTheStart() throws Exception {
    String certificate = Files.readString(files.certificate());
    String key = Files.readString(files.key());
    Files.delete(files.key());
    refusedToStart("server.key", "does not exist");
    Files.writeString(files.key(), "");
    refusedToStart("server.key", "no private key in it");
    Files.writeString(files.key(), pem("ENCRYPTED PRIVATE KEY", new byte[] {1}));
    refusedToStart("server.key", "encrypted");
    Files.writeString(
        files.key(),
        """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,00

        AAAA
        -----END RSA PRIVATE KEY-----
        """);
    refusedToStart("server.key", "encrypted");
    Files.writeString(files.key(), pem("PRIVATE KEY", new byte[] {1, 2, 3}));
    refusedToStart("server.key", "malformed");
    Files.writeString(files.key(), tls.issue("other").getPrivateKeyPEM());
    refusedToStart("server.key", "does not belong to the certificate");
    Files.writeString(
        files.key(),
        tls.issue(new CertificateBuilder().rsa2048(), "other", Duration.ofDays(1))
            .getPrivateKeyPEM());
    refusedToStart("server.key", "no EC key");
    Files.writeString(files.key(), key);
    Files.writeString(files.certificate(), key);
    refusedToStart("server.crt", "no certificate in it");
    Files.writeString(files.certificate(), pem("CERTIFICATE", new byte[] {1, 2, 3}));
    refusedToStart("server.crt", "certificate 1 is malformed");
    Files.delete(files.certificate());
    refusedToStart("server.crt", "does not exist");
    Files.writeString(files.certificate(), certificate);
    start(files);
    assertThat(shown()).isEqualTo("CN=server");
  }

  @Test
  void anExpiredCertificateDoesNotKeepARobotFromRecording() throws Exception {
    start(write(tls.issue(new CertificateBuilder().ecp256(), "old", Duration.ofDays(-1))));
    assertThatThrownBy(this::shown).hasMessageContaining("validity check failed");
  }

  // ------------------------------------------------------------------------------------ reload

  @Test
  void aNewPairIsUsedAndABadOneIsNot() throws Exception {
    start(files);
    assertThat(shown()).isEqualTo("CN=server");
    try (var before =
        new RawClient(TestTls.connect(trusting(), server.port(), 0, "TLSv1.3", "http/1.1"))) {
      X509Bundle renewed = tls.issue("renewed");
      Files.writeString(files.certificate(), renewed.getCertificatePathPEM());
      touch(files.certificate());
      server.tls.check();
      // The key of the new certificate is not there yet.
      assertThat(shown()).isEqualTo("CN=server");
      Files.writeString(files.key(), renewed.getPrivateKeyPEM());
      touch(files.key());
      server.tls.check();
      assertThat(shown()).isEqualTo("CN=renewed");
      assertThat(before.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").receive().status())
          .isEqualTo(200);
    }
    write(tls.issue(new CertificateBuilder().ecp256(), "old", Duration.ofDays(-1)));
    server.tls.check();
    assertThat(shown()).isEqualTo("CN=renewed");
    Files.delete(files.certificate());
    server.tls.check();
    assertThat(shown()).isEqualTo("CN=renewed");
    write(tls.issue("third"));
    server.tls.check();
    server.tls.check();
    assertThat(shown()).isEqualTo("CN=third");
  }

  @Test
  void theFilesAreLookedAtFromTimeToTime() throws Exception {
    start(files);
    write(tls.issue("renewed"));
    while (!shown().equals("CN=renewed")) {
      Thread.onSpinWait();
    }
  }

  // ------------------------------------------------------------------------------------ clients

  private TlsFiles withClients(boolean required) throws IOException {
    Path authority = Files.writeString(folder.resolve("clients.crt"), tls.authorityPem());
    return new TlsFiles(files.certificate(), files.key(), Optional.of(authority), required);
  }

  private int statusWith(SSLContext context) throws Exception {
    try (var client =
        new RawClient(TestTls.connect(context, server.port(), 0, "TLSv1.3", "http/1.1"))) {
      return client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").receive().status();
    }
  }

  @Test
  void clientCertificatesAreAskedForOrRequired() throws Exception {
    SSLContext known = tls.client(Optional.of(tls.issue("robot")));
    X509Bundle foreign = new TestTls().issue("stranger");
    SSLContext unknown = tls.client(Optional.of(foreign));
    start(withClients(true));
    assertThat(statusWith(known)).isEqualTo(200);
    assertThatThrownBy(() -> statusWith(trusting())).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> statusWith(unknown)).isInstanceOf(IOException.class);
    start(withClients(false));
    assertThat(statusWith(known)).isEqualTo(200);
    assertThat(statusWith(trusting())).isEqualTo(200);
  }

  @Test
  void requiringClientCertificatesNeedsAnAuthority() {
    assertThatThrownBy(() -> new TlsFiles(files.certificate(), files.key(), Optional.empty(), true))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void plainHttpOnATlsPortIsTold() throws Exception {
    start(files);
    try (var client = new RawClient(server.port())) {
      RawClient.Answer answer = client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").receive();
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.text()).contains("HTTPS");
      assertThat(client.isClosedByServer()).isTrue();
    }
    try (var client = new RawClient(server.port())) {
      client.send(new byte[] {22, 3, 1, 0, 5, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9});
      while (client.skip(1) > 0) {
        // An alert may come first.
      }
    }
  }

  @Test
  void aHandshakeThatStallsIsGivenUp() throws Exception {
    start(
        files,
        config ->
            config.withTimeouts(
                Duration.ofMillis(300),
                Duration.ofSeconds(20),
                Duration.ofSeconds(20),
                Duration.ofSeconds(1)));
    for (byte[] begun : new byte[][] {{}, {22}, {22, 3, 1, 2, 0, 1}}) {
      try (var client = new RawClient(server.port())) {
        client.send(begun);
        while (client.skip(1) > 0) {
          // An alert may come first.
        }
      }
    }
  }

  @Test
  void aClientWithoutAlpnSpeaksHttp1() throws Exception {
    start(files);
    SSLSocket socket =
        (SSLSocket) trusting().getSocketFactory().createSocket("127.0.0.1", server.port());
    try (var client = new RawClient(socket)) {
      assertThat(client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").receive().status())
          .isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP_2", "HTTP_1_1"})
  void theClientOfTheJdkIsServed(HttpClient.Version version) throws Exception {
    start(files);
    byte[] large = new byte[5_000_000];
    new Random(1).nextBytes(large);
    try (HttpClient client =
        HttpClient.newBuilder().version(version).sslContext(trusting()).build()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + "/jdk"));
      HttpResponse<byte[]> answer =
          client.send(
              request.POST(HttpRequest.BodyPublishers.ofByteArray(large)).build(),
              HttpResponse.BodyHandlers.ofByteArray());
      assertThat(answer.version()).isEqualTo(version);
      assertThat(Arrays.equals(answer.body(), large)).isTrue();
      var all = new ArrayList<CompletableFuture<HttpResponse<byte[]>>>();
      byte[] small = Arrays.copyOf(large, 100_000);
      for (int i = 0; i < 80; i++) {
        all.add(
            client.sendAsync(
                request.POST(HttpRequest.BodyPublishers.ofByteArray(small)).build(),
                HttpResponse.BodyHandlers.ofByteArray()));
      }
      for (CompletableFuture<HttpResponse<byte[]>> each : all) {
        assertThat(each.get(30, TimeUnit.SECONDS).body()).isEqualTo(small);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--http2, https, 2",
    "--http1.1, https, 1.1",
    "--http2-prior-knowledge, http, 2",
    "--http1.1, http, 1.1"
  })
  void curlIsServed(String option, String scheme, String version) throws Exception {
    Process probe;
    try {
      probe = new ProcessBuilder("curl", "--version").start();
    } catch (IOException absent) {
      Assumptions.abort("no curl here");
      return;
    }
    String features = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Assumptions.assumeTrue(features.contains("HTTP2"), "curl without HTTP/2");
    if (scheme.equals("https")) {
      start(files);
    } else {
      start(files, config -> config.withTls(Optional.empty()));
    }
    byte[] large = new byte[5_000_000];
    new Random(2).nextBytes(large);
    Path upload = Files.write(folder.resolve("upload"), large);
    Path download = folder.resolve("download");
    Path authority = Files.writeString(folder.resolve("authority.crt"), tls.authorityPem());
    var command =
        new ProcessBuilder(
            "curl",
            "-sS",
            option,
            "--cacert",
            authority.toString(),
            "-m",
            "30",
            "-w",
            "%{http_code} %{http_version}",
            "-T",
            upload.toString(),
            "-o",
            download.toString(),
            scheme + "://localhost:" + server.port() + "/curl");
    command.redirectErrorStream(true);
    Process curl = command.start();
    assertThat(new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo("200 " + version);
    assertThat(Files.readAllBytes(download)).isEqualTo(large);
  }
}
