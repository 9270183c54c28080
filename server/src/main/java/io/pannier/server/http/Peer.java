package io.pannier.server.http;

/**
 * One connection as its event loop and the server see it, whatever is spoken on it. Used on that
 * loop only.
 */
interface Peer {
  /** Looks at the times, once in a while. */
  void tick(long now);

  /** Ends as soon as nothing is under way. */
  void stop();

  /** Ends without more ado. */
  void cut();
}
