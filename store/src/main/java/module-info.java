/** Blocks on disk: write, read, find, retain, verify. */
module io.pannier.store {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires com.github.luben.zstd_jni;
  requires org.slf4j;
  requires jdk.unsupported; // files past the page cache: com.sun.nio.file.ExtendedOpenOption

  exports io.pannier.store;
  exports io.pannier.store.disk;
  exports io.pannier.store.remote;
}
