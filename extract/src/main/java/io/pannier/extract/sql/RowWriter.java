package io.pannier.extract.sql;

import io.pannier.extract.table.ContentException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;

/** Writes rows of a result one behind the other. */
abstract sealed class RowWriter permits CsvWriter, JsonWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Adds the current row. */
  abstract void writeRow() throws SQLException, IOException, ContentException;

  /** What stands before the rows. */
  abstract String head();

  final void put(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  final void put(byte[] bytes) {
    out.writeBytes(bytes);
  }

  final void put(char ascii) {
    out.write(ascii);
  }

  /** Bytes so far. */
  final int size() {
    return out.size();
  }

  final byte[] bytes() {
    return out.toByteArray();
  }
}
