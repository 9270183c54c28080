package io.pannier.server.http;

import io.pannier.model.PannierException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads certificates and keys from PEM files. What it throws names the file and the reason. */
final class Pem {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");

  private static final int DER_INTEGER = 0x02;
  private static final int DER_OCTETS = 0x04;
  private static final int DER_SEQUENCE = 0x30;

  /** More is no certificate and no key. */
  private static final long FILE_BYTES_MAX = 1 << 20;

  private final Path file;
  private final String text;

  private Pem(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /**
   * Reads a file.
   *
   * @throws PannierException.Invalid when it cannot be read
   */
  static Pem read(String what, Path file) {
    try {
      if (Files.size(file) > FILE_BYTES_MAX) {
        throw new PannierException.Invalid(what + " " + file + " is too large to be one");
      }
      return new Pem(file, Files.readString(file, StandardCharsets.ISO_8859_1));
    } catch (NoSuchFileException none) {
      throw new PannierException.Invalid(what + " " + file + " does not exist");
    } catch (AccessDeniedException denied) {
      throw new PannierException.Invalid(what + " " + file + " may not be read by this user");
    } catch (IOException failed) {
      throw new PannierException.Invalid(
          what + " " + file + " cannot be read: " + failed.getMessage());
    }
  }

  /** The text of the file. */
  String text() {
    return text;
  }

  private PannierException.Invalid invalid(String reason) {
    return new PannierException.Invalid(file + ": " + reason);
  }

  private byte[] decoded(Matcher block) {
    try {
      return Base64.getMimeDecoder().decode(block.group(2));
    } catch (IllegalArgumentException malformed) {
      throw invalid("the block " + block.group(1) + " is no base64: " + malformed.getMessage());
    }
  }

  /**
   * All certificates of the file, at least one.
   *
   * @throws PannierException.Invalid when there is none or one is malformed
   */
  List<X509Certificate> certificates() {
    var all = new ArrayList<X509Certificate>();
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      if (!block.group(1).endsWith("CERTIFICATE")) {
        continue;
      }
      try {
        all.add(
            (X509Certificate)
                CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(decoded(block))));
      } catch (CertificateException malformed) {
        throw invalid(
            "certificate " + (all.size() + 1) + " is malformed: " + malformed.getMessage());
      }
    }
    if (all.isEmpty()) {
      throw invalid("no certificate in it (expected -----BEGIN CERTIFICATE-----)");
    }
    return all;
  }

  /**
   * The private key of the file that belongs to this public one.
   *
   * @throws PannierException.Invalid when there is none, it is malformed, encrypted, or another's
   */
  PrivateKey keyOf(PublicKey owner) {
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      switch (block.group(1)) {
        case "PRIVATE KEY" -> {
          return matching(owner, decoded(block));
        }
        case "RSA PRIVATE KEY", "EC PRIVATE KEY" -> {
          return matching(owner, wrapped(owner, decoded(block)));
        }
        case "ENCRYPTED PRIVATE KEY" ->
            throw invalid("the key is encrypted; store it without a passphrase");
        default -> {
          // Parameters of a curve, or the certificates in the same file.
        }
      }
    }
    // An encrypted key of the older kind has lines with dashes in it.
    throw invalid(
        text.contains("Proc-Type: 4,ENCRYPTED")
            ? "the key is encrypted; store it without a passphrase"
            : "no private key in it (expected -----BEGIN PRIVATE KEY-----)");
  }

  private PrivateKey matching(PublicKey owner, byte[] pkcs8) {
    PrivateKey key;
    try {
      key =
          KeyFactory.getInstance(owner.getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    } catch (GeneralSecurityException other) {
      throw invalid(
          "the key is malformed or no " + owner.getAlgorithm() + " key as the certificate has");
    }
    if (!isOf(owner, key)) {
      throw invalid("the key does not belong to the certificate");
    }
    return key;
  }

  /** Whether what one signs is what the other accepts. */
  private static boolean isOf(PublicKey owner, PrivateKey key) {
    if (owner instanceof RSAKey ours && key instanceof RSAKey theirs) {
      return ours.getModulus().equals(theirs.getModulus());
    }
    try {
      var signature =
          Signature.getInstance(
              owner.getAlgorithm().equals("EC") ? "SHA256withECDSA" : owner.getAlgorithm());
      byte[] probe = {1, 2, 3};
      signature.initSign(key);
      signature.update(probe);
      byte[] signed = signature.sign();
      signature.initVerify(owner);
      signature.update(probe);
      return signature.verify(signed);
    } catch (GeneralSecurityException other) {
      return false;
    }
  }

  /**
   * A key in the form of its own algorithm as PKCS #8: with a version in front, and the name of the
   * algorithm, which the certificate says in the same words.
   */
  private byte[] wrapped(PublicKey owner, byte[] key) {
    byte[] spki = owner.getEncoded();
    int at = contentOf(spki, 0);
    int end = endOf(spki, at);
    byte[] algorithm = Arrays.copyOfRange(spki, at, end);
    return element(
        DER_SEQUENCE, element(DER_INTEGER, new byte[] {0}), algorithm, element(DER_OCTETS, key));
  }

  /** Where the content of the DER element at a place begins. */
  private static int contentOf(byte[] der, int at) {
    int length = der[at + 1] & 0xff;
    return at + 2 + (length < 0x80 ? 0 : length - 0x80);
  }

  /** Where the DER element at a place ends. */
  private static int endOf(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    int content = contentOf(der, at);
    int length = first < 0x80 ? first : 0;
    for (int i = at + 2; i < content; i++) {
      length = length << 8 | (der[i] & 0xff);
    }
    return content + length;
  }

  private static byte[] element(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    byte[] head =
        length < 0x80
            ? new byte[] {(byte) tag, (byte) length}
            : length < 0x100
                ? new byte[] {(byte) tag, (byte) 0x81, (byte) length}
                : new byte[] {(byte) tag, (byte) 0x82, (byte) (length >> 8), (byte) length};
    byte[] all = Arrays.copyOf(head, head.length + length);
    int at = head.length;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
