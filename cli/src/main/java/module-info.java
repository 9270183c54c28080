/** The {@code pannier} command. */
module io.pannier.cli {
  requires static transitive org.jspecify;
  requires java.management;
  requires java.net.http;
  requires jdk.httpserver;
  requires io.pannier.client;
  requires io.pannier.extract;
  requires io.pannier.s3;
  requires io.pannier.robotics;
  requires io.pannier.server;
  requires com.fasterxml.jackson.databind;
  requires com.fasterxml.jackson.dataformat.toml;
  requires info.picocli;
  requires ch.qos.logback.classic;
  requires ch.qos.logback.core;
  requires org.slf4j;

  opens io.pannier.cli to
      info.picocli;
  opens io.pannier.cli.demo to
      info.picocli;
  opens io.pannier.cli.mcap to
      info.picocli;
  opens io.pannier.cli.tls to
      info.picocli;
  opens io.pannier.cli.client to
      info.picocli;
}
