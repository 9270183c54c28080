package io.pannier.client;

import io.pannier.model.PannierException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** How certificates of stores are checked. Immutable. */
public final class Tls {
  private final @Nullable SSLContext context;
  private final boolean verify;

  private Tls(@Nullable SSLContext context, boolean verify) {
    this.context = context;
    this.verify = verify;
  }

  /** For addresses that are not {@code https}: nothing is loaded. */
  public static Tls none() {
    return new Tls(null, true);
  }

  /** As a context says, which may also hold the certificate that the client shows. */
  public static Tls of(SSLContext context) {
    return new Tls(context, true);
  }

  /** By the authorities that this machine trusts. */
  public static Tls usual() {
    return new Tls(context(null), true);
  }

  /** Not at all: anybody may answer. Only ever when the operator asked for it. */
  public static Tls unverified() {
    return new Tls(context(new TrustManager[] {new Anybody()}), false);
  }

  /**
   * By the authorities that this machine trusts, and those of a PEM file.
   *
   * @throws PannierException.Invalid when the file cannot be read or holds none
   */
  public static Tls withAuthorities(Path pem) {
    try {
      KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
      own.load(null, null);
      try (InputStream in = Files.newInputStream(pem)) {
        Collection<? extends Certificate> certificates =
            CertificateFactory.getInstance("X.509").generateCertificates(in);
        if (certificates.isEmpty()) {
          throw new PannierException.Invalid("No certificate in '" + pem + "'");
        }
        int number = 0;
        for (Certificate certificate : certificates) {
          own.setCertificateEntry("own-" + number++, certificate);
        }
      }
      var both = new EitherOf(authorities(null), authorities(own));
      return new Tls(context(new TrustManager[] {both}), true);
    } catch (IOException | GeneralSecurityException failed) {
      throw new PannierException.Invalid(
          "Certificates in '" + pem + "' cannot be read: " + failed.getMessage());
    }
  }

  private static X509TrustManager authorities(@Nullable KeyStore store)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager found) {
        return found;
      }
    }
    throw new GeneralSecurityException("no trust manager for certificates");
  }

  private static SSLContext context(TrustManager @Nullable [] trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust, null);
      return context;
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("this Java has no TLS", impossible);
    }
  }

  /**
   * The same for another client of this program.
   *
   * @throws IllegalStateException when this is {@link #none}
   */
  public SSLContext context() {
    if (context == null) {
      throw new IllegalStateException("no TLS was prepared");
    }
    return context;
  }

  SSLSocketFactory sockets() {
    return context().getSocketFactory();
  }

  /** Whether the name in the certificate has to be that of the host. */
  boolean verifies() {
    return verify;
  }

  /** Trusts whom either of two trusts. The names of hosts are checked by the socket. */
  private static final class EitherOf implements X509TrustManager {
    private final X509TrustManager first;
    private final X509TrustManager second;

    EitherOf(X509TrustManager first, X509TrustManager second) {
      this.first = first;
      this.second = second;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw new CertificateException("this is a client");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      try {
        second.checkServerTrusted(chain, type);
      } catch (CertificateException notOurs) {
        first.checkServerTrusted(chain, type);
      }
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return first.getAcceptedIssuers();
    }
  }

  /** Trusts everybody; the extended class, so that Java adds no check of its own. */
  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
