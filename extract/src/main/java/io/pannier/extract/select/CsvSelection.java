package io.pannier.extract.select;

import io.pannier.extract.select.SelectConfig.Column;
import io.pannier.extract.table.ContentException;
import io.pannier.extract.table.CsvRows;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Work;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One CSV text on its way: the row in hand, and what was kept of those before. For one thread. */
final class CsvSelection implements AutoCloseable {
  /** Longest row in bytes. */
  static final int ROW_BYTES_MAX = 8 << 20;

  private static final int ROWS_BETWEEN_CHECKS = 256;

  private final List<Column> columns;
  private final boolean headers;
  private final Screen asked;
  private final Item input;
  private final Work work;
  private final CsvRows rows;

  /** Place of each column; -1 for ranges. */
  private final int[] places;

  /** The computed label of each column, or null. */
  private final @Nullable String[] labelNames;

  private boolean begun;
  private CsvScreen screen = new CsvScreen(Screen.NONE, new String[0], new int[0]);
  private int rowsUntilCheck = ROWS_BETWEEN_CHECKS;

  /** Whether the current row goes to the query whatever is known of it. */
  private boolean othersAreDue;

  /** The row that {@link #rows} stands at. */
  private @Nullable CsvRow inHand;

  private @Nullable Output header;
  private @Nullable Output kept;
  private @Nullable Spool spool;
  private Labels labels = Labels.EMPTY;

  CsvSelection(List<Column> columns, boolean headers, Screen asked, Item input, Work work) {
    this.columns = columns;
    this.headers = headers;
    this.asked = asked;
    this.input = input;
    this.work = work;
    places = new int[columns.size()];
    labelNames = new String[places.length];
    boolean named = false;
    int needed = 1;
    for (int i = 0; i < places.length; i++) {
      places[i] = -1;
      labelNames[i] = columns.get(i).label().orElse(null);
      switch (columns.get(i)) {
        case Column.At(int index, var _) -> {
          places[i] = index;
          needed = Math.max(needed, index + 1);
        }
        case Column.Named _ -> named = true;
        case Column.Range(int from, var to) ->
            needed = Math.max(needed, Math.max(from + 1, to.orElse(0)));
      }
    }
    rows =
        new CsvRows(input.body().stream(), ROW_BYTES_MAX, named ? SelectConfig.COLUMN_MAX : needed);
  }

  Item input() {
    return input;
  }

  /**
   * The next row that is to be judged, as an item, or null at the end. Those before it are kept or
   * left out already. A row in some hundreds is given in any case, so that the query can see to
   * others meanwhile.
   */
  @Nullable Item nextRow() {
    while (advance()) {
      CsvScreen.Verdict verdict = othersAreDue ? CsvScreen.Verdict.OPEN : screen.judge(rows);
      if (verdict == CsvScreen.Verdict.REFUSED) {
        continue;
      }
      rows.tellAllCells();
      if (verdict == CsvScreen.Verdict.OPEN) {
        var row = new CsvRow(this, rows.bytes(), rows.rowStart(), rows.rowEnd());
        inHand = row;
        return row;
      }
      keep(rows);
    }
    return null;
  }

  /** Adds a row to what is kept. */
  void keep(CsvRow row) {
    keep(at(row));
  }

  private void keep(CsvRows at) {
    Output output = kept;
    if (output == null) {
      spool = work.spool();
      output = new Output(spool);
      kept = output;
      if (header != null) {
        header.copyTo(output);
      }
      labels = labelsAt(at);
    }
    write(at, output);
  }

  /** All rows that were kept, or null if there are none. Ends the selection. */
  @Nullable Body joined() {
    if (kept == null || spool == null) {
      return null;
    }
    kept.flush();
    return spool.finish();
  }

  /** Computed labels of the first row that was kept. */
  Labels labels() {
    return labels;
  }

  Labels labelsOf(CsvRow row) {
    return labelsAt(at(row));
  }

  @Nullable String labelOf(CsvRow row, String name) {
    CsvRows at = null;
    // The last column of that label decides.
    for (int i = places.length - 1; i >= 0; i--) {
      String label = labelNames[i];
      if (label != null && label.equals(name)) {
        at = at == null ? at(row) : at;
        if (places[i] < at.cells()) {
          return LabelText.of(at.text(places[i]));
        }
      }
    }
    return null;
  }

  /** What is selected of a row, as a line. */
  byte[] selected(CsvRow row) {
    var output = new Output(null);
    write(at(row), output);
    return output.bytes();
  }

  @Override
  public void close() {
    if (spool != null) {
      spool.close();
    }
  }

  private boolean advance() {
    inHand = null;
    othersAreDue = false;
    try {
      if (!begun) {
        begun = true;
        if (headers && !readHeader()) {
          return false;
        }
        screen = new CsvScreen(asked, labelNames, places);
        if (screen.cellsNeeded() > 0) {
          rows.tellCellsFirst(screen.cellsNeeded());
        }
      }
      int rowLength = rows.rowEnd() - rows.rowStart();
      if (--rowsUntilCheck == 0 || rowLength > CsvRows.CHUNK) {
        rowsUntilCheck = ROWS_BETWEEN_CHECKS;
        othersAreDue = true;
        work.check();
      }
      return rows.next();
    } catch (ContentException e) {
      throw Failures.parse("CSV", String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private boolean readHeader() throws IOException, ContentException {
    if (!rows.next()) {
      return false;
    }
    int needed = 1;
    for (int i = 0; i < places.length; i++) {
      switch (columns.get(i)) {
        case Column.Named(String name, var _) -> places[i] = placeOf(name);
        case Column.Range(int from, var to) ->
            needed = Math.max(needed, Math.max(from + 1, to.orElse(0)));
        case Column.At _ -> {}
      }
      needed = Math.max(needed, places[i] + 1);
    }
    var names = new Output(null);
    write(rows, names);
    header = names;
    rows.limitCells(needed);
    return true;
  }

  private int placeOf(String name) {
    for (int cell = 0; cell < rows.cells(); cell++) {
      String header = rows.text(cell);
      if (header.equals(name) || header.strip().equals(name)) {
        return cell;
      }
    }
    throw Failures.record("Column '" + name + "' not found");
  }

  /** The cells of a row: those in hand, mostly. */
  private CsvRows at(CsvRow row) {
    if (row == inHand) {
      return rows;
    }
    try {
      var again =
          new CsvRows(
              new ByteArrayInputStream(row.bytes, row.start, row.end - row.start),
              ROW_BYTES_MAX,
              SelectConfig.COLUMN_MAX);
      again.next();
      return again;
    } catch (IOException | ContentException e) {
      throw new IllegalStateException("a row that was read cannot be read again", e);
    }
  }

  private Labels labelsAt(CsvRows at) {
    var builder = Labels.EMPTY;
    for (int i = 0; i < places.length; i++) {
      var label = columns.get(i).label();
      if (label.isPresent() && places[i] < at.cells()) {
        builder = builder.with(Labels.of(label.get(), LabelText.of(at.text(places[i]))));
      }
    }
    return builder;
  }

  /** Selected cells with commas between them and a line end behind. */
  private void write(CsvRows at, Output output) {
    byte[] bytes = at.bytes();
    for (int i = 0; i < places.length; i++) {
      if (i > 0) {
        output.put(',');
      }
      int place = places[i];
      if (place >= 0) {
        // Neighbours in the row and in the result are copied at once, commas included.
        int last = place;
        while (i + 1 < places.length && places[i + 1] == last + 1 && last + 1 < at.cells()) {
          i++;
          last++;
        }
        if (last < at.cells()) {
          output.put(bytes, at.start(place), at.end(last));
        }
      } else if (columns.get(i) instanceof Column.Range(int from, var to)) {
        writeRange(at, from, to.orElse(Integer.MAX_VALUE), output);
      }
    }
    output.put('\n');
  }

  private static void writeRange(CsvRows at, int from, int to, Output output) {
    int cells = at.cells();
    if (from < cells) {
      int end = to < cells ? at.end(to - 1) : at.rowEnd();
      // With fewer cells than the row has, the row goes on behind them.
      output.put(at.bytes(), at.start(from), to == cells ? at.end(to - 1) : end);
    }
    if (to != Integer.MAX_VALUE) {
      for (int missing = Math.max(cells, from + 1); missing < to; missing++) {
        output.put(',');
      }
    }
  }
}
