package io.pannier.model;

import java.security.SecureRandom;
import java.util.random.RandomGenerator;

/** Unpredictable randomness for ids, salts and tokens: the only place that makes it. */
public final class SystemRandom {
  private SystemRandom() {}

  /** A cryptographically strong generator, safe for all threads. */
  public static RandomGenerator secure() {
    return new SecureRandom();
  }
}
