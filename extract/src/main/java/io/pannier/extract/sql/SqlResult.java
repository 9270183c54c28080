package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a statement gave. */
public final class SqlResult {
  private final long rows;
  private final String columns;
  private final String first;
  private final byte[] content;
  private final int[] ends;
  private final List<List<Optional<String>>> labels;

  private SqlResult(
      long rows,
      String columns,
      String first,
      byte[] content,
      int[] ends,
      List<List<Optional<String>>> labels) {
    this.rows = rows;
    this.columns = columns;
    this.first = first;
    this.content = content;
    this.ends = ends;
    this.labels = labels;
  }

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

  /** How many rows; without any there is no content. */
  public long rows() {
    return rows;
  }

  /** Names and types of the columns: results with equal ones can be joined. */
  public String columns() {
    return columns;
  }

  /** What stands before the rows in the finished document: the line of names of a CSV text. */
  public String first() {
    return first;
  }

  /** Lines of CSV, objects of JSON with commas between them, or a whole file of Parquet. */
  public byte[] content() {
    return content;
  }

  /** Where a row ends in the content. Known if each row was asked for, but not for Parquet. */
  public int end(long row) {
    return ends[(int) row];
  }

  /**
   * Values of the columns that were asked for, absent where there is no plain value. Those of a
   * row; of the last one if only those are known.
   */
  public List<Optional<String>> labels(long row) {
    if (labels.isEmpty()) {
      return List.of();
    }
    return labels.get((int) Math.min(row, labels.size() - 1));
  }
}
