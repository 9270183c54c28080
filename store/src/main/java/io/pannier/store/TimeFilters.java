package io.pannier.store;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filters of those entries that have lately been asked for a time that many closed blocks may
 * hold. Bounded; the one not asked for longest goes first and is made again when it is missed.
 */
final class TimeFilters {
  private static final int BYTES_MIN = 4096;

  private final long bytesMax;

  /** In the order of their last use. */
  private final Map<Entry, TimeFilter> filters = new LinkedHashMap<>(16, 0.75f, true);

  private long bytes;

  TimeFilters(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /** The filter of an entry, empty when there was none; null when there is no room for any. */
  synchronized @Nullable TimeFilter of(Entry entry, BlockMap closed) {
    TimeFilter filter = filters.get(entry);
    if (filter != null) {
      return filter;
    }
    long records = 0;
    for (int i = 0; i < closed.size(); i++) {
      records += closed.get(i).records;
    }
    // Twice what is there, so that it is made anew once for each doubling.
    long wanted = Math.max(BYTES_MIN, 2 * records * TimeFilter.BITS_PER_TIME / Byte.SIZE);
    long most = Long.highestOneBit(Math.min(bytesMax, 1 << 28));
    if (most < BYTES_MIN) {
      return null;
    }
    filter = new TimeFilter((int) Math.min(Long.highestOneBit(wanted - 1) << 1, most));
    filters.put(entry, filter);
    bytes += filter.bytes();
    for (Iterator<TimeFilter> all = filters.values().iterator(); bytes > bytesMax; ) {
      TimeFilter eldest = all.next();
      bytes -= eldest.bytes();
      all.remove();
    }
    return filter;
  }

  /** The filter is full: a larger one takes its place, unless it is as large as one may be. */
  synchronized void outgrown(Entry entry, TimeFilter filter) {
    if (2L * filter.bytes() <= bytesMax && filters.remove(entry, filter)) {
      bytes -= filter.bytes();
    }
  }

  synchronized void forget(Entry entry) {
    TimeFilter filter = filters.remove(entry);
    if (filter != null) {
      bytes -= filter.bytes();
    }
  }
}
