/** Load driver and floor server; nothing depends on it. */
module io.pannier.bench {
  requires static transitive org.jspecify;
  requires static org.checkerframework.checker.qual;
  requires io.pannier.robotics;
  requires io.pannier.server;
  requires io.netty.buffer;
  requires io.netty.codec.http;
  requires io.netty.codec.http2;
  requires io.netty.common;
  requires io.netty.handler;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires java.sql;
  requires org.postgresql.jdbc;

  exports io.pannier.bench;
}
