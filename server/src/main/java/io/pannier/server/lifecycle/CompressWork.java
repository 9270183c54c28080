package io.pannier.server.lifecycle;

import io.pannier.store.Compression;
import io.pannier.store.Entry;
import io.pannier.store.TimeRange;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Compresses closed blocks whose records lie in the window, or only counts them. */
final class CompressWork implements Work {
  private final ArrayDeque<Entry> entries;
  private final TimeRange range;
  private final boolean isDry;
  private @Nullable Compression current;
  private long records;
  private long blocks;

  CompressWork(List<Entry> entries, Window window, boolean isDry) {
    this.entries = new ArrayDeque<>(entries);
    this.isDry = isDry;
    range = TimeRange.of(window.start(), window.stop());
  }

  @Override
  public boolean step() {
    Compression now = current;
    if (now == null) {
      Entry entry = entries.poll();
      if (entry == null) {
        return false;
      }
      now = new Compression(entry, range, isDry);
      current = now;
    }
    if (!now.step()) {
      records += now.records();
      blocks += now.blocks();
      current = null;
    }
    return current != null || !entries.isEmpty();
  }

  @Override
  public long records() {
    return records + (current == null ? 0 : current.records());
  }

  @Override
  public long blocks() {
    return blocks + (current == null ? 0 : current.blocks());
  }
}
