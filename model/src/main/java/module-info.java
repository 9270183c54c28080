/** Names, labels, record facts, settings, limits and the error tree. Depends on nothing. */
module io.pannier.model {
  requires static transitive org.jspecify;

  exports io.pannier.model;
}
