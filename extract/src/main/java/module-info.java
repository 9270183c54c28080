/**
 * The extensions that come with the program, found as services. Exports only the writer of Parquet,
 * to the command.
 */
module io.pannier.extract {
  requires static transitive org.jspecify;
  requires io.pannier.model;
  requires io.pannier.query;
  requires io.pannier.robotics;
  requires com.fasterxml.jackson.databind;
  requires org.slf4j;
  requires java.sql;
  requires duckdb.jdbc;
  requires com.google.protobuf;

  exports io.pannier.extract.parquet;

  provides io.pannier.query.ext.Extension with
      io.pannier.extract.ros.RosExtension,
      io.pannier.extract.select.SelectExtension;
}
