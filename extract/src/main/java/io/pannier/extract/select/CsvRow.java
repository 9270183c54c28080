package io.pannier.extract.select;

import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import org.jspecify.annotations.Nullable;

/** A row of a CSV text. Its text is looked at only when somebody asks. */
final class CsvRow implements Item {
  private final CsvSelection selection;

  /** The row, in a buffer that nobody changes any more. */
  final byte[] bytes;

  final int start;
  final int end;

  CsvRow(CsvSelection selection, byte[] bytes, int start, int end) {
    this.selection = selection;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  @Override
  public String entry() {
    return selection.input().entry();
  }

  @Override
  public long timestamp() {
    return selection.input().timestamp();
  }

  @Override
  public Labels labels() {
    return selection.input().labels();
  }

  @Override
  public Labels computed() {
    return selection.input().computed().with(selection.labelsOf(this));
  }

  @Override
  public @Nullable String computed(String name) {
    String own = selection.labelOf(this, name);
    return own != null ? own : selection.input().computed(name);
  }

  @Override
  public String contentType() {
    return selection.input().contentType();
  }

  @Override
  public Body body() {
    return Body.of(selection.selected(this));
  }
}
