package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a statement gave.
 *
 * @param rows how many rows; 0: {@code content} is empty
 * @param columns names and types; results with equal ones can be joined
 * @param first what stands before the rows in the finished document (the line of names of a CSV
 *     text)
 * @param content the rows: lines of CSV, objects of JSON with commas between them, or a whole file
 *     of Parquet
 * @param ends where each row ends in {@code content}; empty unless it was asked for, and for
 *     Parquet
 * @param labels values of the columns that were asked for, of the last row or of each; absent where
 *     there is no plain value
 */
public record SqlResult(
    long rows,
    String columns,
    String first,
    byte[] content,
    int[] ends,
    List<List<Optional<String>>> labels) {
  static SqlResult of(Reply reply) {
    JsonNode head = reply.head();
    JsonNode listed = head.path("ends");
    int[] ends = new int[listed.size()];
    for (int i = 0; i < ends.length; i++) {
      ends[i] = listed.path(i).intValue();
    }
    var labels = new ArrayList<List<Optional<String>>>();
    for (JsonNode row : head.path("labels")) {
      var values = new ArrayList<Optional<String>>();
      row.forEach(value -> values.add(Optional.ofNullable(value.textValue())));
      labels.add(List.copyOf(values));
    }
    return new SqlResult(
        head.path("rows").asLong(),
        head.path("columns").asText(),
        head.path("first").asText(),
        reply.content(),
        ends,
        List.copyOf(labels));
  }

  /** Labels of a row; of the last one if only those are known. */
  public List<Optional<String>> labels(long row) {
    if (labels.isEmpty()) {
      return List.of();
    }
    return labels.get((int) Math.min(row, labels.size() - 1));
  }
}
