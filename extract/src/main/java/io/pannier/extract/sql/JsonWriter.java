package io.pannier.extract.sql;

import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.table.JsonRows;
import java.io.IOException;
import java.sql.SQLException;

/** Rows as objects with commas between them, without the brackets around. */
final class JsonWriter extends RowWriter {
  private final ResultRows rows;
  private final byte[][] names;
  private boolean first = true;

  JsonWriter(ResultRows rows) {
    this.rows = rows;
    names = new byte[rows.columns()][];
    for (int column = 0; column < names.length; column++) {
      names[column] = new SerializedString(rows.name(column)).asQuotedUTF8();
    }
  }

  @Override
  String head() {
    return "";
  }

  @Override
  void writeRow() throws SQLException, IOException {
    put(first ? '{' : ',');
    if (!first) {
      put('{');
    }
    first = false;
    for (int column = 0; column < names.length; column++) {
      if (column > 0) {
        put(',');
      }
      put('"');
      put(names[column]);
      put("\":");
      JsonNode value = rows.value(column);
      if (value == null) {
        put("null");
      } else {
        put(JsonRows.bytes(value));
      }
    }
    put('}');
  }
}
