package io.pannier.cli.tls;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;

/** A certificate and its key. */
public record Signed(X509Certificate certificate, PrivateKey key) {
  /** Without the key: texts end up in logs. */
  @Override
  public String toString() {
    return "Signed[" + certificate.getSubjectX500Principal() + "]";
  }
}
