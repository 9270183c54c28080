/** Speaks to a store over HTTP: what replication needs of the Java SDK. */
module io.pannier.client {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires com.github.luben.zstd_jni;

  exports io.pannier.client;
}
