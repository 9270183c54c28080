/** Copies to another store, by position. */
module io.pannier.replicate {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires transitive io.pannier.store;
  requires transitive io.pannier.query;
  requires transitive io.pannier.client;
  requires transitive com.fasterxml.jackson.databind;
  requires org.slf4j;

  exports io.pannier.replicate;
}
