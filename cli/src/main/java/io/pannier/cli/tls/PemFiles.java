package io.pannier.cli.tls;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Set;

/** A certificate and its key as two PEM files (RFC 7468), the key in PKCS #8, not encrypted. */
final class PemFiles {
  private static final String CERTIFICATE = "CERTIFICATE";
  private static final String KEY = "PRIVATE KEY";

  private final Path certificate;
  private final Path key;

  /** {@code NAME.pem} and {@code NAME-key.pem}. */
  PemFiles(Path folder, String name) {
    certificate = folder.resolve(name + ".pem");
    key = folder.resolve(name + "-key.pem");
  }

  Path certificate() {
    return certificate;
  }

  Path key() {
    return key;
  }

  /** Whether both, or one of them, are there. */
  boolean exists() {
    return Files.exists(certificate) || Files.exists(key);
  }

  /** Writes both, each whole or not at all, the key first and for this user alone. */
  void write(Signed signed) throws TlsException {
    try {
      Files.createDirectories(certificate.toAbsolutePath().getParent());
      write(key, KEY, signed.key().getEncoded(), "rw-------");
      write(certificate, CERTIFICATE, signed.certificate().getEncoded(), "rw-r--r--");
    } catch (IOException | GeneralSecurityException failed) {
      throw new TlsException("Cannot write " + certificate, failed);
    }
  }

  private static void write(Path file, String what, byte[] der, String permissions)
      throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Path half = file.resolveSibling("." + file.getFileName() + ".new");
    Files.deleteIfExists(half);
    FileAttribute<?>[] attributes =
        FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
            }
            : new FileAttribute<?>[0];
    try (var channel =
        Files.newByteChannel(
            half, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes)) {
      channel.write(
          StandardCharsets.US_ASCII.encode(
              "-----BEGIN " + what + "-----\n" + text + "\n-----END " + what + "-----\n"));
    }
    Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Reads both. */
  Signed read() throws TlsException {
    X509Certificate read = readCertificate();
    try {
      byte[] der = decode(key, KEY);
      return new Signed(
          read,
          KeyFactory.getInstance(read.getPublicKey().getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(der)));
    } catch (IOException | GeneralSecurityException | IllegalArgumentException failed) {
      throw new TlsException("Cannot read the key in " + key, failed);
    }
  }

  /** Reads the certificate. */
  X509Certificate readCertificate() throws TlsException {
    try {
      var in = new ByteArrayInputStream(decode(certificate, CERTIFICATE));
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    } catch (IOException | GeneralSecurityException | IllegalArgumentException failed) {
      throw new TlsException("Cannot read the certificate in " + certificate, failed);
    }
  }

  private static byte[] decode(Path file, String what) throws IOException {
    String text = Files.readString(file, StandardCharsets.US_ASCII);
    String begin = "-----BEGIN " + what + "-----";
    int from = text.indexOf(begin);
    int to = text.indexOf("-----END " + what + "-----");
    if (from < 0 || to < from) {
      throw new IOException("there is no " + begin);
    }
    return Base64.getMimeDecoder().decode(text.substring(from + begin.length(), to));
  }
}
