/** HTTP API, tokens, configuration, lifecycle, metrics. */
module io.pannier.server {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires transitive io.pannier.store;
  requires transitive io.pannier.query;
  requires transitive io.pannier.replicate;
  requires com.fasterxml.jackson.databind;
  requires com.github.luben.zstd_jni;
  requires io.netty.buffer;
  requires io.netty.codec;
  requires io.netty.codec.http;
  requires io.netty.codec.http2;
  requires io.netty.common;
  requires io.netty.handler;
  requires io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.prometheus.metrics.config;
  requires io.prometheus.metrics.model;
  requires io.prometheus.writer.text;
  requires java.management;
  requires jdk.management;
  requires transitive org.slf4j;

  exports io.pannier.server;
  exports io.pannier.server.access;
  exports io.pannier.server.events;
  exports io.pannier.server.lifecycle;
  exports io.pannier.server.settings;
}
