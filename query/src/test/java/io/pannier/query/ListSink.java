package io.pannier.query;

import io.pannier.model.Timestamp;
import io.pannier.store.StoredRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Collects what a query gives as {@code entry@time}. */
final class ListSink implements BatchSink {
  final List<String> records = new ArrayList<>();
  private final int max;
  private final Predicate<StoredRecord> fits;

  ListSink(int max) {
    this(max, record -> true);
  }

  ListSink(int max, Predicate<StoredRecord> fits) {
    this.max = max;
    this.fits = fits;
  }

  @Override
  public boolean add(StoredRecord record) {
    if (!records.isEmpty() && !fits.test(record)) {
      return false;
    }
    record.open().close();
    records.add(record.entry().name() + "@" + Timestamp.toString(record.timestamp()));
    return true;
  }

  @Override
  public boolean isEmpty() {
    return records.isEmpty();
  }

  @Override
  public boolean isFull() {
    return records.size() >= max;
  }

  @Override
  public int maxRecords() {
    return max;
  }
}
