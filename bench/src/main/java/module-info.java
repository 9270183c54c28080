/** Microbenchmarks; nothing depends on it. */
module io.pannier.bench {
  requires static transitive org.jspecify;
  requires io.pannier.server;
  requires jmh.core;

  exports io.pannier.bench;
}
