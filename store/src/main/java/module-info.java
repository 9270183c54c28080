/** Blocks on disk: write, read, find, retain, verify. */
module io.pannier.store {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires org.slf4j;

  exports io.pannier.store;
  exports io.pannier.store.disk;
}
