package io.pannier.server.links;

import io.pannier.model.PannierException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.random.RandomGenerator;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A link as the parameters of its URL: the deflated text under AES-256-GCM. The key is the HMAC of
 * a random salt under a secret of the token that made the link, so it ends with the token's value;
 * the issuer is authenticated with it. The name of the file is not: it is a name for the download
 * only.
 *
 * @param ct cipher text with its tag
 * @param s salt
 * @param n nonce
 * @param i name of the token
 */
public record Seal(String ct, String s, String n, String i) {
  private static final int SALT_BYTES = 16;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  /** Longest text of a link: far more than a URL can carry. */
  private static final int TEXT_MAX = 1 << 20;

  private static final Base64.Encoder TO_TEXT = Base64.getUrlEncoder().withoutPadding();

  /** Seals a link with the secret of a token. */
  public static Seal of(Link link, String issuer, byte[] secret, RandomGenerator random) {
    var salt = new byte[SALT_BYTES];
    var nonce = new byte[NONCE_BYTES];
    random.nextBytes(salt);
    random.nextBytes(nonce);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, secret, salt, nonce, issuer);
      byte[] sealed = cipher.doFinal(deflated(link.encode()));
      return new Seal(
          TO_TEXT.encodeToString(sealed),
          TO_TEXT.encodeToString(salt),
          TO_TEXT.encodeToString(nonce),
          issuer);
    } catch (GeneralSecurityException missing) {
      throw new PannierException.Internal("links cannot be sealed", missing);
    }
  }

  /**
   * The link, if nobody changed a bit of it and the token's secret is still the same.
   *
   * @throws PannierException.Invalid otherwise
   */
  public Link open(byte[] secret) {
    byte[] sealed = bytes("ct", ct);
    byte[] salt = bytes("s", s);
    byte[] nonce = bytes("n", n);
    try {
      Cipher cipher = cipher(Cipher.DECRYPT_MODE, secret, salt, nonce, i);
      return Link.decode(inflated(cipher.doFinal(sealed)));
    } catch (GeneralSecurityException | DataFormatException changed) {
      throw new PannierException.Invalid(
          "Failed to decrypt query: the link was changed, or its token was renewed");
    }
  }

  private static Cipher cipher(int mode, byte[] secret, byte[] salt, byte[] nonce, String issuer)
      throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret, "HmacSHA256"));
    var key = new SecretKeySpec(mac.doFinal(salt), "AES");
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(issuer.getBytes(StandardCharsets.UTF_8));
    return cipher;
  }

  private static byte[] bytes(String name, String text) {
    try {
      return Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException malformed) {
      throw new PannierException.Invalid(
          "Invalid base64 in '" + name + "' parameter: " + malformed.getMessage());
    }
  }

  private static byte[] deflated(byte[] text) {
    var deflater = new Deflater(Deflater.BEST_COMPRESSION);
    try {
      deflater.setInput(text);
      deflater.finish();
      var out = new ByteArrayOutputStream();
      var piece = new byte[1024];
      while (!deflater.finished()) {
        out.write(piece, 0, deflater.deflate(piece));
      }
      return out.toByteArray();
    } finally {
      deflater.end();
    }
  }

  private static byte[] inflated(byte[] bytes) throws DataFormatException {
    var inflater = new Inflater();
    try {
      inflater.setInput(bytes);
      var out = new ByteArrayOutputStream();
      var piece = new byte[1024];
      while (!inflater.finished()) {
        int count = inflater.inflate(piece);
        if (count == 0 || out.size() > TEXT_MAX) {
          throw new DataFormatException("not the text of a link");
        }
        out.write(piece, 0, count);
      }
      return out.toByteArray();
    } finally {
      inflater.end();
    }
  }
}
