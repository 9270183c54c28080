package io.pannier.server;

/** What a caller must be allowed to (http-api.md §4.4). */
enum Access {
  /** Anybody. */
  NONE,
  /** Any valid token. */
  TOKEN,
  /** Read the bucket of the path. */
  READ,
  /** Write to the bucket of the path. */
  WRITE,
  /** Everything. */
  FULL
}
