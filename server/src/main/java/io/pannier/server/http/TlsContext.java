package io.pannier.server.http;

import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What new TLS connections are made with. Follows its files: a new pair is used when it is one, and
 * left alone, loudly, when it is not.
 */
final class TlsContext {
  private static final Logger LOG = LoggerFactory.getLogger(TlsContext.class);

  static {
    // A client of TLS 1.2 could have us negotiate again and again within one connection.
    String renegotiation = "jdk.tls.rejectClientInitiatedRenegotiation";
    if (System.getProperty(renegotiation) == null) {
      System.setProperty(renegotiation, "true");
    }
  }

  private final TlsFiles files;
  private final Clock clock;
  private volatile SslContext current;

  // Of the thread that checks; one at a time.
  private X509Certificate leaf;
  private List<String> stamps;
  private List<String> contents;

  /** What was read at once. */
  private record Loaded(SslContext context, X509Certificate leaf, List<String> contents) {}

  private TlsContext(TlsFiles files, Clock clock) {
    this.files = files;
    this.clock = clock;
    this.stamps = stamps();
    Loaded first = read();
    this.current = first.context;
    this.leaf = first.leaf;
    this.contents = first.contents;
  }

  /**
   * Reads the files.
   *
   * @throws PannierException.Invalid when one of them is of no use; names it and the reason
   */
  static TlsContext load(TlsFiles files, Clock clock) {
    var loaded = new TlsContext(files, clock);
    String flaw = loaded.flaw(loaded.leaf);
    if (!flaw.isEmpty()) {
      // Clients decide for themselves; a robot whose clock is wrong must still record.
      LOG.error("TLS certificate {}: {}", files.certificate(), flaw);
    }
    return loaded;
  }

  /** What a new connection is to be made with. From any thread. */
  SslContext current() {
    return current;
  }

  /**
   * Looks whether the files have changed, and uses what is new in them. Reads files, and never
   * throws because of what they are.
   */
  synchronized void check() {
    List<String> nowStamps = stamps();
    if (nowStamps.equals(stamps)) {
      return;
    }
    stamps = nowStamps;
    try {
      if (texts().equals(contents)) {
        return;
      }
      Loaded next = read();
      String flaw = flaw(next.leaf);
      if (!flaw.isEmpty() && flaw(leaf).isEmpty()) {
        throw new PannierException.Invalid(files.certificate() + ": " + flaw);
      }
      current = next.context;
      leaf = next.leaf;
      contents = next.contents;
      LOG.info(
          "TLS certificate read again: {}, valid until {}",
          leaf.getSubjectX500Principal(),
          leaf.getNotAfter().toInstant());
    } catch (RuntimeException bad) {
      LOG.error("the new TLS files are of no use, the old ones stay: {}", bad.getMessage());
    }
  }

  private List<Path> paths() {
    var paths = new ArrayList<>(List.of(files.certificate(), files.key()));
    files.clientCa().ifPresent(paths::add);
    return paths;
  }

  private List<String> stamps() {
    return paths().stream().map(TlsContext::stamp).toList();
  }

  private static String stamp(Path file) {
    try {
      return Files.getLastModifiedTime(file) + " " + Files.size(file);
    } catch (IOException unreadable) {
      return "";
    }
  }

  private Pem certificate() {
    return Pem.read("TLS certificate", files.certificate());
  }

  private Pem key() {
    return Pem.read("TLS key", files.key());
  }

  private Pem authority(Path file) {
    return Pem.read("authority of client certificates", file);
  }

  private List<String> texts() {
    var texts = new ArrayList<>(List.of(certificate().text(), key().text()));
    files.clientCa().ifPresent(file -> texts.add(authority(file).text()));
    return texts;
  }

  private Loaded read() {
    Pem certificate = certificate();
    Pem key = key();
    var texts = new ArrayList<>(List.of(certificate.text(), key.text()));
    List<X509Certificate> chain = certificate.certificates();
    X509Certificate first = chain.getFirst();
    PrivateKey secret = key.keyOf(first.getPublicKey());
    SslContextBuilder builder =
        SslContextBuilder.forServer(secret, chain)
            .sslProvider(SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2")
            .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
            .applicationProtocolConfig(
                new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    ApplicationProtocolNames.HTTP_2,
                    ApplicationProtocolNames.HTTP_1_1));
    if (files.clientCa().isPresent()) {
      Pem authority = authority(files.clientCa().get());
      texts.add(authority.text());
      builder
          .trustManager(authority.certificates())
          .clientAuth(files.requireClient() ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL);
    }
    try {
      return new Loaded(builder.build(), first, texts);
    } catch (SSLException | IllegalArgumentException useless) {
      throw new PannierException.Invalid(
          files.certificate() + " cannot be used: " + useless.getMessage());
    }
  }

  /** What is wrong with the times of a certificate; empty if nothing is. */
  private String flaw(X509Certificate certificate) {
    Instant now = Instant.EPOCH.plus(clock.wallMicros(), ChronoUnit.MICROS);
    if (now.isAfter(certificate.getNotAfter().toInstant())) {
      return "expired at " + certificate.getNotAfter().toInstant();
    }
    return now.isBefore(certificate.getNotBefore().toInstant())
        ? "not valid before " + certificate.getNotBefore().toInstant()
        : "";
  }
}
