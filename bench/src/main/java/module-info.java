/** Microbenchmarks; nothing depends on it. */
module io.pannier.bench {
  requires static transitive org.jspecify;
  requires io.pannier.server;
  requires io.netty.buffer;
  requires io.netty.codec.http;
  requires io.netty.common;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires jmh.core;

  exports io.pannier.bench;
}
