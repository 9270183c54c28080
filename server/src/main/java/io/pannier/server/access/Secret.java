package io.pannier.server.access;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.random.RandomGenerator;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a token's value: a salted hash. A value of {@link #LONG} characters and more, as
 * all that we make, cannot be guessed, and one round of SHA-256 is enough; a shorter one was chosen
 * by somebody, and whoever got hold of the hash must pay for each guess (PBKDF2).
 */
final class Secret {
  /** Characters from which on a value counts as random. */
  static final int LONG = 32;

  /** Rounds for shorter values: some ten milliseconds at a start. */
  private static final int ROUNDS = 4096;

  private static final int ROUNDS_MAX = 10_000_000;
  private static final int SALT_BYTES = 16;
  private static final int HASH_BYTES = 32;
  private static final String ONE_ROUND = "sha256";
  private static final String MANY_ROUNDS = "pbkdf2-sha256";
  private static final HexFormat HEX = HexFormat.of();

  /** 0: one of SHA-256. */
  private final int rounds;

  private final byte[] salt;
  private final byte[] hash;

  /** Of the value, once somebody showed it to this process. */
  private volatile Digests.@Nullable Digest seen;

  private Secret(int rounds, byte[] salt, byte[] hash) {
    this.rounds = rounds;
    this.salt = salt;
    this.hash = hash;
  }

  /** Keeps a value. */
  static Secret of(String value, RandomGenerator random) {
    var salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    int rounds = value.length() < LONG ? ROUNDS : 0;
    return new Secret(rounds, salt, hash(value, rounds, salt));
  }

  /**
   * Reads {@link #text}.
   *
   * @throws IllegalArgumentException when it is none
   */
  static Secret parse(String text) {
    String[] parts = text.split(":", -1);
    boolean isSlow = parts[0].equals(MANY_ROUNDS);
    if (parts.length != (isSlow ? 4 : 3) || (!isSlow && !parts[0].equals(ONE_ROUND))) {
      throw new IllegalArgumentException("no secret");
    }
    int rounds = isSlow ? Integer.parseInt(parts[1]) : 0;
    byte[] salt = HEX.parseHex(parts[parts.length - 2]);
    byte[] hash = HEX.parseHex(parts[parts.length - 1]);
    if (rounds < (isSlow ? 1 : 0) || rounds > ROUNDS_MAX || hash.length != HASH_BYTES) {
      throw new IllegalArgumentException("no secret");
    }
    return new Secret(rounds, salt, hash);
  }

  /** As it is stored: method, rounds if there are many, salt and hash. */
  String text() {
    return (rounds == 0 ? ONE_ROUND : MANY_ROUNDS + ":" + rounds)
        + ":"
        + HEX.formatHex(salt)
        + ":"
        + HEX.formatHex(hash);
  }

  /** Whether {@link #matches} takes milliseconds. */
  boolean isSlow() {
    return rounds > 0;
  }

  /** Whether this was made from the value; takes the same time wherever they differ. */
  boolean matches(String value) {
    return MessageDigest.isEqual(hash, hash(value, rounds, salt));
  }

  private static byte[] hash(String value, int rounds, byte[] salt) {
    if (rounds == 0) {
      return Digests.sha256(salt, value.getBytes(StandardCharsets.UTF_8));
    }
    try {
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
          .generateSecret(new PBEKeySpec(value.toCharArray(), salt, rounds, HASH_BYTES * 8))
          .getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  Digests.@Nullable Digest seen() {
    return seen;
  }

  void seen(Digests.Digest digest) {
    seen = digest;
  }

  @Override
  public String toString() {
    return "Secret";
  }
}
