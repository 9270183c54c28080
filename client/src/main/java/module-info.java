/** The Java SDK: speaks to a store over HTTP. */
module io.pannier.client {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires com.fasterxml.jackson.core;
  requires com.github.luben.zstd_jni;

  exports io.pannier.client;
}
