package io.pannier.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What stores, and what stands between, may do to a client. */
class RemoteStoreTest {
  private static RemoteStore client(int port) {
    return client("http://localhost:" + port + "/pre/", Tls.usual(), 10_000);
  }

  private static RemoteStore client(String base, Tls tls, int stallMillis) {
    return new RemoteStore(
        new ClientOptions(
            URI.create(base),
            Optional.of("secret"),
            Optional.of("me"),
            tls,
            5_000,
            stallMillis,
            new SystemClock(),
            Throttle.NONE));
  }

  private static Outgoing record(long time, String text, String... labels) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return new Outgoing(
        time,
        "text/plain",
        Labels.of(labels),
        new Body() {
          @Override
          public long length() {
            return bytes.length;
          }

          @Override
          public void writeTo(OutputStream out) throws IOException {
            out.write(bytes);
          }
        });
  }

  private static RecordErrors write(RemoteStore store, Outgoing... records) {
    return store.write("b", "e/f", List.of(records), Coding.NONE);
  }

  @Test
  void aBatchIsWrittenInTheGrammarOfTheProtocol() throws Exception {
    var bodies = new StringBuilder();
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              bodies.append(link.body(7));
              link.answer(200, "x-reduct-error-18446744073709551615: 409,A record, already exists");
            });
        var store = client(server.port())) {
      RecordErrors errors =
          write(store, record(1, "abc", "n", "1", "text", "x,y"), record(-1, "defg"));
      assertThat(server.heard.getFirst())
          .isEqualTo(
              "POST /pre/api/v1/b/b/e/f/batch HTTP/1.1\r\nhost: localhost:"
                  + server.port()
                  + "\r\nauthorization: Bearer secret\r\nx-pannier-origin: me\r\n"
                  + "x-reduct-time-1: 3,text/plain,n=1,text=\"x,y\"\r\n"
                  + "x-reduct-time-18446744073709551615: 4,text/plain\r\ncontent-length: 7\r\n\r\n");
      assertThat(bodies).hasToString("abcdefg");
      assertThat(errors.byTimestamp()).containsOnlyKeys(-1L);
      assertThat(errors.byTimestamp().get(-1L).code()).isEqualTo(409);
      assertThat(errors.byTimestamp().get(-1L)).hasMessage("A record, already exists");
    }
  }

  @Test
  void whatABatchCannotSayTravelsAlone() throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.body(1);
              link.answer(507, "x-reduct-error: full");
            });
        var store = client(server.port())) {
      Outgoing odd = record(7, "x", "text", "a,\"b\"");
      assertThat(RemoteStore.fitsBatch(odd.labels())).isFalse();
      assertThat(write(store, odd).byTimestamp().get(7L)).hasMessage("full");
      assertThat(server.heard.getFirst())
          .startsWith("POST /pre/api/v1/b/b/e/f?ts=7 HTTP/1.1")
          .contains("x-reduct-label-text: a,\"b\"\r\n");
    }
  }

  @Test
  void anAnswerThatOvertakesTheRequestIsRead() throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.send(
                  "HTTP/1.1 401 X\r\nx-reduct-error: Invalid token\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
              link.drain();
            });
        var store = client(server.port())) {
      assertThatThrownBy(() -> write(store, record(1, "x".repeat(100))))
          .isInstanceOfSatisfying(
              ClientException.Refused.class, refused -> assertThat(refused.code()).isEqualTo(401))
          .hasMessage("Invalid token");
    }
  }

  @Test
  void aConnectionThatDiedWhileNothingHappenedIsMadeAgain() throws Exception {
    ScriptedServer.Script once =
        link -> {
          link.head();
          link.answer(200, "x-reduct-api: 1.21", "x-pannier-store: id");
        };
    try (var server = ScriptedServer.of(once, once, once);
        var store = client(server.port())) {
      for (int i = 0; i < 3; i++) {
        assertThat(store.findBucket("b")).contains(new RemoteServer(21, Optional.of("id"), false));
      }
    }
  }

  @Test
  void aConnectionIsUsedAgain() throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.send("HTTP/1.1 100 Continue\r\n\r\n");
              link.send(
                  "HTTP/1.1 200 OK\r\nx-reduct-api: 1.21\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
              link.head();
              link.answer(404, "x-reduct-error: Bucket 'b' is not found");
            });
        var store = client(server.port())) {
      assertThat(store.findBucket("b")).isPresent();
      assertThat(store.findBucket("b")).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 204, 409, 422})
  void whatIsNotOfAStoreSettlesNothing(int status) throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.body(1);
              link.send(
                  "HTTP/1.1 "
                      + status
                      + " X\r\nconnection: close\r\n"
                      + (status == 204 ? "\r\n" : "content-length: 6\r\n\r\n<html>"));
            });
        var store = client(server.port())) {
      assertThatThrownBy(() -> write(store, record(1, "x")))
          .isInstanceOfSatisfying(
              ClientException.Refused.class, refused -> assertThat(refused.code()).isEqualTo(502))
          .hasMessage("HTTP status " + status + " from something that is not a store");
    }
  }

  @Test
  void aCutIsToldFromARefusal() throws Exception {
    try (var server =
            ScriptedServer.of(
                link -> link.head(),
                link -> {
                  link.head();
                  link.send("HTTP/1.1 200 OK\r\ncontent-le");
                },
                link -> {
                  link.head();
                  link.send("hello\r\n");
                });
        var store = client(server.port())) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> store.findBucket("b"))
            .isInstanceOf(ClientException.Broken.class)
            .satisfies(e -> assertThat(((ClientException) e).code()).isEqualTo(-6));
      }
    }
    int dead;
    try (var free = new ServerSocket(0)) {
      dead = free.getLocalPort();
    }
    try (var store = client(dead)) {
      assertThatThrownBy(() -> store.findBucket("b"))
          .isInstanceOf(ClientException.Unreachable.class)
          .hasMessageContaining("Cannot connect to localhost:" + dead);
    }
  }

  @Test
  void aSilentStoreIsNotWaitedForForever() throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.drain();
            });
        var store = client("http://localhost:" + server.port(), Tls.usual(), 50)) {
      assertThatThrownBy(() -> store.findBucket("b")).isInstanceOf(ClientException.TimedOut.class);
    }
  }

  @Test
  void aRedirectIsToldAndNotFollowed() throws Exception {
    try (var server =
            ScriptedServer.of(link -> {
              link.head();
              link.answer(301, "location: https://elsewhere/");
            });
        var store = client(server.port())) {
      assertThatThrownBy(() -> store.findBucket("b"))
          .isInstanceOf(ClientException.Refused.class)
          .hasMessage("Moved to https://elsewhere/");
    }
  }

  @Test
  void whatTheBodyThrowsEndsTheConnectionAndIsPassedOn() throws Exception {
    try (var server = ScriptedServer.of(ScriptedServer.Link::drain);
        var store = client(server.port())) {
      var damaged =
          new Outgoing(
              1,
              "text/plain",
              Labels.EMPTY,
              new Body() {
                @Override
                public long length() {
                  return 100;
                }

                @Override
                public void writeTo(OutputStream out) throws IOException {
                  out.write(new byte[50]);
                  throw new PannierException.Damaged("broken");
                }
              });
      assertThatThrownBy(() -> write(store, damaged)).isInstanceOf(PannierException.Damaged.class);
    }
  }

  // ---------------------------------------------------------------- certificates

  private static ServerSocket secured(Path folder) throws Exception {
    Path keys = folder.resolve("keys.p12");
    keytool(
        "-genkeypair",
        "-alias",
        "store",
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost",
        "-keystore",
        keys.toString(),
        "-storepass",
        "password");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "store",
        "-file",
        folder.resolve("ca.pem").toString(),
        "-keystore",
        keys.toString(),
        "-storepass",
        "password");
    var store = KeyStore.getInstance("PKCS12");
    try (var in = Files.newInputStream(keys)) {
      store.load(in, "password".toCharArray());
    }
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, "password".toCharArray());
    var context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context
        .getServerSocketFactory()
        .createServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress());
  }

  private static void keytool(String... arguments) throws Exception {
    var command = new java.util.ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }

  @Test
  void certificatesAreChecked(@TempDir Path folder) throws Exception {
    ScriptedServer.Script serve =
        link -> {
          link.head();
          link.answer(200, "x-reduct-api: 1.21");
        };
    try (var server = new ScriptedServer(secured(folder), serve, serve, serve, serve)) {
      String byName = "https://localhost:" + server.port();
      try (var store = client(byName, Tls.usual(), 10_000)) {
        assertThatThrownBy(() -> store.findBucket("b"))
            .isInstanceOf(ClientException.Unreachable.class);
      }
      try (var store = client(byName, Tls.withAuthorities(folder.resolve("ca.pem")), 10_000)) {
        assertThat(store.findBucket("b")).isPresent();
      }
      // Another name than that of the certificate.
      String byAddress = "https://127.0.0.1:" + server.port();
      try (var store = client(byAddress, Tls.withAuthorities(folder.resolve("ca.pem")), 10_000)) {
        assertThatThrownBy(() -> store.findBucket("b"))
            .isInstanceOf(ClientException.Unreachable.class);
      }
      try (var store = client(byAddress, Tls.unverified(), 10_000)) {
        assertThat(store.findBucket("b")).isPresent();
      }
    }
    assertThatThrownBy(() -> Tls.withAuthorities(folder.resolve("missing.pem")))
        .isInstanceOf(PannierException.Invalid.class);
    Path empty = Files.writeString(folder.resolve("empty.pem"), "nothing\n");
    assertThatThrownBy(() -> Tls.withAuthorities(empty))
        .isInstanceOf(PannierException.Invalid.class);
  }
}
