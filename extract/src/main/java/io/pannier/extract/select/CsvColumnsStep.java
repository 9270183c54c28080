package io.pannier.extract.select;

import io.pannier.extract.select.SelectConfig.Column;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes columns of CSV texts. Rows are items for the condition, but those that {@link CsvScreen}
 * can judge by itself; those that are kept are joined again when the record is through. Cells are
 * copied as they stand, quotes included.
 */
final class CsvColumnsStep implements Step {
  private final List<Column> columns;
  private final boolean headers;
  private final Screen screen;
  private final Work work;
  private @Nullable CsvSelection current;

  CsvColumnsStep(SelectConfig.Columns config, Screen screen, Work work) {
    columns = config.columns();
    headers = config.headers();
    this.screen = screen;
    this.work = work;
  }

  @Override
  public Items process(Item input) {
    abandon();
    var selection = new CsvSelection(columns, headers, screen, input, work);
    current = selection;
    return selection::nextRow;
  }

  @Override
  public Items commit(Item kept) {
    if (current == null || !(kept instanceof CsvRow row)) {
      throw new IllegalStateException("not a row of the record in work");
    }
    current.keep(row);
    return Items.none();
  }

  @Override
  public Items finish(Item input) {
    CsvSelection selection = current;
    current = null;
    if (selection == null) {
      return Items.none();
    }
    Body joined = selection.joined();
    if (joined == null) {
      return Items.none();
    }
    Labels computed = input.computed().with(selection.labels());
    return Items.of(
        Item.of(
            input.entry(),
            input.timestamp(),
            input.labels(),
            computed,
            input.contentType(),
            joined));
  }

  @Override
  public void discard(Item input) {
    abandon();
  }

  @Override
  public boolean isIndependent() {
    return true;
  }

  @Override
  public void close() {
    abandon();
  }

  private void abandon() {
    if (current != null) {
      current.close();
      current = null;
    }
  }
}
