package io.pannier.extract.select;

import io.pannier.extract.select.SelectConfig.Column;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes columns of CSV texts. Each row is an item for the condition; those that it keeps are joined
 * again when the record is through. Cells are copied as they stand, quotes included.
 */
final class CsvColumnsStep implements Step {
  private final List<Column> columns;
  private final boolean headers;
  private final boolean conditional;
  private final Work work;
  private @Nullable CsvSelection current;

  CsvColumnsStep(SelectConfig.Columns config, boolean conditional, Work work) {
    columns = config.columns();
    headers = config.headers();
    this.conditional = conditional;
    this.work = work;
  }

  @Override
  public Items process(Item input) {
    abandon();
    var selection = new CsvSelection(columns, headers, input, work);
    current = selection;
    if (conditional) {
      return selection::nextRow;
    }
    return () -> {
      // Nobody judges: no item for each row.
      selection.keepAll();
      return null;
    };
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
