package io.pannier.server.http;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** An authority, what it issues, and clients that trust it. */
public final class TestTls {
  private static final char[] NO_PASSWORD = {};

  private final X509Bundle authority;

  /** A new authority. */
  public TestTls() throws Exception {
    authority =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=test authority")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
  }

  /** A certificate for this machine. */
  public X509Bundle issue(String name) throws Exception {
    return issue(new CertificateBuilder().ecp256(), name, Duration.ofDays(2));
  }

  X509Bundle issue(CertificateBuilder builder, String name, Duration validFor) throws Exception {
    Instant now = Instant.parse("2020-01-01T00:00:00Z");
    return builder
        .subject("CN=" + name)
        .addSanDnsName("localhost")
        .addSanIpAddress("127.0.0.1")
        .notBefore(now)
        .notAfter(validFor.isNegative() ? now.plusSeconds(60) : now.plus(Duration.ofDays(36_500)))
        .buildIssuedBy(authority);
  }

  String authorityPem() {
    return authority.getCertificatePEM();
  }

  /** Writes certificate and key below a folder. */
  static TlsFiles write(Path folder, X509Bundle bundle) throws IOException {
    Path certificate =
        Files.writeString(folder.resolve("server.crt"), bundle.getCertificatePathPEM());
    Path key = Files.writeString(folder.resolve("server.key"), bundle.getPrivateKeyPEM());
    return new TlsFiles(certificate, key, Optional.empty(), false);
  }

  /** Files of a certificate for this machine, below a folder. */
  public TlsFiles files(Path folder) throws Exception {
    return write(folder, issue("server"));
  }

  /** A client that trusts the authority and shows this certificate, if any. */
  public SSLContext client(Optional<X509Bundle> shown)
      throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, NO_PASSWORD);
    trusted.setCertificateEntry("authority", authority.getCertificate());
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, NO_PASSWORD);
    if (shown.isPresent()) {
      own.setKeyEntry(
          "own",
          shown.get().getKeyPair().getPrivate(),
          NO_PASSWORD,
          shown.get().getCertificatePath());
    }
    keys.init(own, NO_PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  /** Connects with TLS and agrees on a protocol. */
  public static SSLSocket connect(
      SSLContext client, int port, int receiveBuffer, String version, String protocol)
      throws IOException {
    var plain = new Socket();
    if (receiveBuffer > 0) {
      plain.setReceiveBufferSize(receiveBuffer);
    }
    plain.setSoTimeout(20_000);
    plain.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    var socket = (SSLSocket) client.getSocketFactory().createSocket(plain, "localhost", port, true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {protocol});
    parameters.setProtocols(new String[] {version});
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    socket.startHandshake();
    if (!protocol.equals(socket.getApplicationProtocol())) {
      throw new IOException("not " + protocol + ": " + socket.getApplicationProtocol());
    }
    return socket;
  }
}
