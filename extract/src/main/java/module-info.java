/**
 * The extensions that come with the program, found as services. Exports what the command exports
 * records with: the writer of Parquet, and what attachments say about messages.
 */
module io.pannier.extract {
  requires static transitive org.jspecify;
  requires io.pannier.model;
  requires transitive io.pannier.query;
  requires transitive io.pannier.robotics;
  requires transitive com.fasterxml.jackson.databind;
  requires org.slf4j;
  requires java.sql;
  requires duckdb.jdbc;
  requires com.google.protobuf;

  exports io.pannier.extract.parquet;
  exports io.pannier.extract.ros;

  provides io.pannier.query.ext.Extension with
      io.pannier.extract.ros.RosExtension,
      io.pannier.extract.select.SelectExtension;
}
