package io.pannier.server.access;

/** What a caller must be allowed to (http-api.md §4.4). */
public enum Access {
  /** Anybody. */
  NONE,
  /** Any valid token. */
  TOKEN,
  /** Read the bucket. */
  READ,
  /** Write to the bucket. */
  WRITE,
  /** Everything. */
  FULL
}
