package io.pannier.extract.select;

import io.pannier.extract.select.SqlStep.SqlItem;
import io.pannier.extract.sql.SqlEngines;
import io.pannier.extract.sql.SqlException;
import io.pannier.extract.sql.SqlResult;
import io.pannier.extract.table.DataFormat;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Work;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Rows of consecutive records of an entry on their way to one output: at most so many, from records
 * within a span of time, all in one format and with the same columns.
 */
final class RowGroup {
  private final SelectConfig.Sql config;
  private final SqlEngines engines;
  private final Work work;
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();
  private final List<SqlEngines.Piece> pieces = new ArrayList<>();

  /** The item that the first row came from. */
  private @Nullable SqlItem first;

  private long rows;
  private long held;
  private Labels labels = Labels.EMPTY;

  RowGroup(SelectConfig.Sql config, SqlEngines engines, Work work) {
    this.config = config;
    this.engines = engines;
    this.work = work;
  }

  /** Adds the rows of a record; groups that are full go to the outputs. */
  void add(SqlItem item, List<Item> outputs) {
    if (first != null && !fits(item)) {
      finish(outputs);
    }
    long from = 0;
    long count = item.result().rows();
    while (from < count) {
      long room = config.rows() > 0 ? config.rows() - rows : count;
      long to = Math.min(count, from + room);
      take(item, from, to);
      from = to;
      if (config.rows() > 0 && rows == config.rows()) {
        finish(outputs);
      }
    }
  }

  private boolean fits(SqlItem item) {
    SqlItem begin = first;
    return begin != null
        && begin.format() == item.format()
        && begin.result().columns().equals(item.result().columns())
        && (config.duration() == 0
            || Long.compareUnsigned(item.timestamp() - begin.timestamp(), config.duration()) < 0);
  }

  private void take(SqlItem item, long from, long to) {
    SqlResult result = item.result();
    boolean parquet = item.format() == DataFormat.PARQUET;
    int start = parquet ? 0 : start(item, from);
    int end = parquet ? result.content().length : end(item, to);
    work.reserve(end - start);
    held += end - start;
    if (first == null) {
      first = item;
    } else if (item.format() == DataFormat.JSON) {
      text.write(',');
    }
    if (parquet) {
      pieces.add(new SqlEngines.Piece(result.content(), from, to));
    } else {
      text.write(result.content(), start, end - start);
    }
    rows += to - from;
    labels = labels(config, result, to - 1);
  }

  private static int start(SqlItem item, long row) {
    if (row == 0) {
      return 0;
    }
    int behind = item.result().end(row - 1);
    // The comma between two objects belongs to neither.
    return item.format() == DataFormat.JSON ? behind + 1 : behind;
  }

  private static int end(SqlItem item, long row) {
    return row == item.result().rows()
        ? item.result().content().length
        : item.result().end(row - 1);
  }

  /** Gives out what is there, if anything is. */
  void finish(List<Item> outputs) {
    SqlItem begin = first;
    if (begin == null) {
      return;
    }
    try {
      byte[] content =
          begin.format() == DataFormat.PARQUET
              ? engines.merge(pieces, work)
              : document(begin.format(), begin.result().first(), text.toByteArray());
      outputs.add(
          Item.of(
              begin.entry(),
              begin.timestamp(),
              begin.labels(),
              begin.input().computed().with(labels),
              begin.format().contentType(),
              Body.of(content)));
    } catch (SqlException e) {
      throw Failures.record("SQL error: " + e.getMessage());
    } finally {
      close();
    }
  }

  /** Gives up what is there. */
  void close() {
    work.release(held);
    held = 0;
    rows = 0;
    first = null;
    text.reset();
    pieces.clear();
    labels = Labels.EMPTY;
  }

  /** Rows as a whole document. */
  static byte[] document(DataFormat format, String first, byte[] rows) {
    return switch (format) {
      case CSV -> joined(first.getBytes(StandardCharsets.UTF_8), rows, new byte[0]);
      case JSON -> joined(new byte[] {'['}, rows, new byte[] {']'});
      case PARQUET -> rows;
      case PROTOBUF -> throw new IllegalArgumentException("messages are not written");
    };
  }

  private static byte[] joined(byte[] before, byte[] rows, byte[] behind) {
    byte[] all = new byte[before.length + rows.length + behind.length];
    System.arraycopy(before, 0, all, 0, before.length);
    System.arraycopy(rows, 0, all, before.length, rows.length);
    System.arraycopy(behind, 0, all, before.length + rows.length, behind.length);
    return all;
  }

  /** Computed labels of a row. */
  static Labels labels(SelectConfig.Sql config, SqlResult result, long row) {
    var labels = Labels.EMPTY;
    List<Optional<String>> values = result.labels(row);
    int i = 0;
    for (Map.Entry<String, String> label : config.labels().entrySet()) {
      if (i < values.size() && values.get(i).isPresent()) {
        labels = labels.with(Labels.of(label.getKey(), LabelText.of(values.get(i).get())));
      }
      i++;
    }
    return labels;
  }
}
