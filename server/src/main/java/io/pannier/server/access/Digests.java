package io.pannier.server.access;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.random.RandomGenerator;

/**
 * Digests of what clients send, under a key that only this process has. They find a token that was
 * seen before in one step, and tell nobody who measures times anything about the tokens there are.
 */
final class Digests {
  private static final int HASH_BLOCK = 64;

  private static final ThreadLocal<MessageDigest> SHA256 =
      ThreadLocal.withInitial(() -> {
        try {
          return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
          throw new IllegalStateException(e);
        }
      });

  private final byte[] key = new byte[HASH_BLOCK];

  Digests(RandomGenerator random) {
    random.nextBytes(key);
  }

  /** A digest of 256 bits. */
  record Digest(long a, long b, long c, long d) {}

  Digest of(byte[] value) {
    ByteBuffer hash = ByteBuffer.wrap(sha256(key, value));
    return new Digest(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
  }

  /** SHA-256 of two texts, one behind the other. */
  static byte[] sha256(byte[] first, byte[] second) {
    MessageDigest digest = SHA256.get();
    digest.update(first);
    digest.update(second);
    return digest.digest();
  }
}
