/** The {@code when} language; select, merge, limit and transform records. */
module io.pannier.query {
  requires static transitive org.jspecify;
  requires transitive io.pannier.model;
  requires transitive io.pannier.store;
  requires transitive com.fasterxml.jackson.databind;
  requires java.management;
  requires transitive org.slf4j;

  exports io.pannier.query;
  exports io.pannier.query.ext;
  exports io.pannier.query.when;

  uses io.pannier.query.ext.Extension;
}
