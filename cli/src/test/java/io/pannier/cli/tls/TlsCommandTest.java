package io.pannier.cli.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.cli.Main;
import io.pannier.client.ClientException;
import io.pannier.client.ClientOptions;
import io.pannier.client.RemoteStore;
import io.pannier.client.Tls;
import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import io.pannier.server.settings.Settings;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code pannier tls}: what it makes, what it leaves alone, what it refuses. */
@Timeout(120)
class TlsCommandTest {
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int tls(String... arguments) {
    return tls(new SystemClock(), arguments);
  }

  private int tls(Clock clock, String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    var all = new java.util.ArrayList<>(List.of(folder.toString()));
    all.addAll(List.of(arguments));
    return new CommandLine(new TlsCommand(clock))
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(all.toArray(new String[0]));
  }

  private X509Certificate certificate(String name) throws Exception {
    try (var in = Files.newInputStream(folder.resolve(name))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  /** Throws when the authority in the folder did not sign it. */
  private void verify(X509Certificate certificate) throws Exception {
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate("ca.pem"), null)));
    parameters.setRevocationEnabled(false);
    CertPathValidator.getInstance("PKIX")
        .validate(
            CertificateFactory.getInstance("X.509").generateCertPath(List.of(certificate)),
            parameters);
  }

  private void fits(String name) throws Exception {
    Signed signed = new PemFiles(folder, name).read();
    var signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(signed.key());
    signature.update(new byte[] {1, 2, 3});
    byte[] signing = signature.sign();
    signature.initVerify(signed.certificate().getPublicKey());
    signature.update(new byte[] {1, 2, 3});
    assertThat(signature.verify(signing)).isTrue();
  }

  private String permissions(String name) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name)));
  }

  @Test
  void anAuthorityAServerAndAClient() throws Exception {
    int code =
        tls("--host", "robot.local,*.fleet.example", "10.0.0.7", "fe80::1", "--client", "op");
    assertThat(code).as(err.toString()).isZero();

    X509Certificate authority = certificate("ca.pem");
    assertThat(authority.getBasicConstraints()).isZero();
    assertThat(authority.getKeyUsage()[5]).as("may sign certificates").isTrue();
    X509Certificate server = certificate("server.pem");
    verify(server);
    assertThat(Authority.hosts(server))
        .containsExactly("robot.local", "*.fleet.example", "10.0.0.7", "fe80:0:0:0:0:0:0:1");
    assertThat(server.getSubjectX500Principal().getName()).isEqualTo("CN=robot.local");
    assertThat(server.getExtendedKeyUsage()).containsExactly(SERVER_AUTH);
    assertThat(server.getBasicConstraints()).as("signs nobody").isEqualTo(-1);
    X509Certificate client = certificate("client-op.pem");
    verify(client);
    assertThat(client.getExtendedKeyUsage()).containsExactly(CLIENT_AUTH);
    for (String name : List.of("ca", "server", "client-op")) {
      fits(name);
      assertThat(permissions(name + "-key.pem")).isEqualTo("rw-------");
      assertThat(permissions(name + ".pem")).isEqualTo("rw-r--r--");
    }
    assertThat(out.toString())
        .contains("RS_CERT_PATH=" + folder.resolve("server.pem"))
        .contains("for robot.local, *.fleet.example, 10.0.0.7, fe80:0:0:0:0:0:0:1, until ");
    try (var files = Files.list(folder)) {
      assertThat(files).as("nothing half is left").hasSize(6);
    }
  }

  @Test
  void validityIsAsAskedAndBeginsYesterday() throws Exception {
    tls("--host", "a", "--days", "30", "--ca-days", "60");
    var server = certificate("server.pem");
    assertThat(
            Duration.between(server.getNotBefore().toInstant(), server.getNotAfter().toInstant()))
        .isEqualTo(Duration.ofDays(31));
    var authority = certificate("ca.pem");
    assertThat(
            Duration.between(
                authority.getNotBefore().toInstant(), authority.getNotAfter().toInstant()))
        .isEqualTo(Duration.ofDays(61));
  }

  @Test
  void noCertificateOutlivesItsAuthority() throws Exception {
    tls("--host", "a", "--ca-days", "5");
    assertThat(certificate("server.pem").getNotAfter().toInstant())
        .isBeforeOrEqualTo(certificate("ca.pem").getNotAfter().toInstant());

    var later = new SystemClock();
    Clock inAWeek =
        new Clock() {
          @Override
          public long wallMicros() {
            return later.wallMicros() + 7L * 86_400_000_000L;
          }

          @Override
          public long monotonicNanos() {
            return later.monotonicNanos();
          }
        };
    assertThat(tls(inAWeek, "--renew")).isEqualTo(1);
    assertThat(err.toString()).contains("make another one");
  }

  @Test
  void nothingIsOverwritten() throws Exception {
    tls("--host", "a");
    byte[] before = Files.readAllBytes(folder.resolve("server-key.pem"));
    assertThat(tls("--host", "b")).isEqualTo(2);
    assertThat(err.toString()).contains("server.pem is there; --renew replaces it");
    assertThat(tls()).isEqualTo(2);
    assertThat(Files.readAllBytes(folder.resolve("server-key.pem"))).isEqualTo(before);

    Files.delete(folder.resolve("ca-key.pem"));
    assertThat(tls("--client", "c")).isEqualTo(2);
    assertThat(err.toString()).contains("one is missing");
  }

  @Test
  void renewingKeepsTheAuthorityAndTheNames() throws Exception {
    tls("--host", "a.example", "127.0.0.1", "--client", "op");
    byte[] authority = Files.readAllBytes(folder.resolve("ca.pem"));
    X509Certificate server = certificate("server.pem");
    X509Certificate client = certificate("client-op.pem");

    assertThat(tls("--renew")).as(err.toString()).isZero();
    assertThat(Files.readAllBytes(folder.resolve("ca.pem"))).isEqualTo(authority);
    X509Certificate renewed = certificate("server.pem");
    verify(renewed);
    fits("server");
    assertThat(renewed.getPublicKey()).isNotEqualTo(server.getPublicKey());
    assertThat(Authority.hosts(renewed)).containsExactly("a.example", "127.0.0.1");
    assertThat(certificate("client-op.pem")).isNotEqualTo(client);

    X509Certificate kept = certificate("client-op.pem");
    assertThat(tls("--renew", "--host", "b.example")).isZero();
    assertThat(Authority.hosts(certificate("server.pem"))).containsExactly("b.example");
    assertThat(certificate("client-op.pem")).as("was not named").isEqualTo(kept);
  }

  @Test
  void renewingNeedsAnAuthority() {
    assertThat(tls("--renew")).isEqualTo(2);
    assertThat(err.toString()).contains("There is no authority in");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void withoutNamesItIsForThisMachine() throws Exception {
    assertThat(tls("--json")).isZero();
    assertThat(Authority.hosts(certificate("server.pem")))
        .contains("localhost", "127.0.0.1", "0:0:0:0:0:0:0:1");
    assertThat(out.toString().lines()).hasSize(2).allMatch(line -> line.startsWith("{\"kind\":"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a b",
        "",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "-a",
        "a-",
        "a..b",
        "a,dns:b",
        "a/b",
        "x:y",
        "a.*",
        "::1::",
      })
  void whatIsNoHostIsRefused(String host) {
    // A comma divides hosts; what is left of this one is none.
    assertThat(tls("--host=" + host)).isEqualTo(2);
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({"--client,../x", "--client,a b", "--days,0", "--ca-days,-1", "--days,x"})
  void badOptionsAreRefused(String option, String value) {
    assertThat(tls(option + "=" + value)).isEqualTo(2);
    assertThat(err.toString()).contains(option);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFolderThatCannotBeWrittenIsSaid() throws Exception {
    Files.writeString(folder.resolve("file"), "");
    folder = folder.resolve("file");
    assertThat(tls("--host", "a")).isEqualTo(1);
    assertThat(err.toString()).contains("Cannot write");
  }

  @Test
  void theJavaClientTrustsAServerWithIt() {
    tls("--host", "localhost");
    Settings settings =
        Settings.read(
                Map.of(
                    "RS_CERT_PATH", folder.resolve("server.pem").toString(),
                    "RS_CERT_KEY_PATH", folder.resolve("server-key.pem").toString()),
                Map.of("HOST", "127.0.0.1", "PORT", "0", "API_TOKEN", "t"),
                "test")
            .settings()
            .orElseThrow();
    var config = settings.serverConfig(settings.authentication().orElseThrow(), Main.VERSION);
    try (var server = io.pannier.server.Server.start(config)) {
      URI address = URI.create("https://localhost:" + server.port());
      // No store is behind it: an answer is all that is asked for.
      assertThat(call(address, Tls.withAuthorities(folder.resolve("ca.pem"))))
          .isInstanceOf(ClientException.Refused.class);
      assertThat(call(address, Tls.usual())).isNotInstanceOf(ClientException.Refused.class);
    }
  }

  private static ClientException call(URI address, Tls tls) {
    try (var store =
        new RemoteStore(ClientOptions.of(address, Optional.of("t"), tls, new SystemClock()))) {
      store.findBucket("b");
      throw new AssertionError("there is no store behind it");
    } catch (ClientException said) {
      return said;
    }
  }
}
