package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.ClientException;
import io.pannier.client.PannierClient;
import io.pannier.client.StoredRecord;
import io.pannier.client.Tls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SDK over TLS: an authority of our own, and a server that lets in who shows a certificate. */
class ClientTlsTest {
  @TempDir Path folder;
  private Path tls;

  @BeforeEach
  void certificates() {
    tls = folder.resolve("tls");
    new Cli(folder).ok("tls", tls.toString(), "--host", "localhost", "--client", "operator");
  }

  private LiveServer server(boolean asksForCertificates) {
    Map<String, String> own =
        Map.of(
            "RS_CERT_PATH", tls.resolve("server.pem").toString(),
            "RS_CERT_KEY_PATH", tls.resolve("server-key.pem").toString());
    var settings = new java.util.HashMap<>(own);
    if (asksForCertificates) {
      settings.put("PANNIER_CLIENT_CA_PATH", tls.resolve("ca.pem").toString());
      settings.put("PANNIER_REQUIRE_CLIENT_CERT", "true");
    }
    return LiveServer.ours(folder.resolve("data"), settings);
  }

  private static PannierClient client(LiveServer server, Tls tls) {
    return PannierClient.builder("https://localhost:" + server.port())
        .token(LiveServer.TOKEN)
        .tls(tls)
        .repeats(0, Duration.ZERO)
        .build();
  }

  private static void exchange(PannierClient client) {
    byte[] body = new byte[3_000_000];
    Arrays.fill(body, (byte) 7);
    Bucket bucket = client.createBucket("b", BucketOptions.unchanged());
    bucket.write("e", 1, body);
    try (StoredRecord record = bucket.read("e", 1)) {
      assertThat(record.bytes()).isEqualTo(body);
    }
  }

  @Test
  void anAuthorityOfOnesOwnIsTrustedWhenItIsNamed() throws IOException {
    try (var server = server(false)) {
      try (var client = client(server, Tls.withAuthorities(tls.resolve("ca.pem")))) {
        exchange(client);
      }
      try (var client = client(server, Tls.usual())) {
        assertThatThrownBy(client::info)
            .isInstanceOf(ClientException.class)
            .isNotInstanceOf(ClientException.Refused.class);
      }
    }
  }

  @Test
  void aCertificateIsShownToAServerThatAsksForOne() throws Exception {
    try (var server = server(true)) {
      try (var client = client(server, Tls.of(operator()))) {
        exchange(client);
      }
      try (var client = client(server, Tls.withAuthorities(tls.resolve("ca.pem")))) {
        assertThatThrownBy(client::info)
            .isInstanceOf(ClientException.class)
            .isNotInstanceOf(ClientException.Refused.class);
      }
    }
  }

  /** What a program makes of the files: an authority to trust, and a certificate to show. */
  private SSLContext operator() throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("ca", certificate("ca.pem"));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    X509Certificate own = certificate("client-operator.pem");
    String pem = Files.readString(tls.resolve("client-operator-key.pem"));
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    PrivateKey key =
        KeyFactory.getInstance(own.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(der));
    KeyStore shown = KeyStore.getInstance(KeyStore.getDefaultType());
    shown.load(null, null);
    shown.setKeyEntry("own", key, new char[0], new Certificate[] {own});
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(shown, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private X509Certificate certificate(String name) throws GeneralSecurityException, IOException {
    try (var in = Files.newInputStream(tls.resolve(name))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }
}
