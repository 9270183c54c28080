package io.pannier.server.events;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.EntryInfo;
import io.pannier.store.Store;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * What clients write and read: records count when they are committed and when they have been given
 * to the socket, not when somebody says that they will come. What the server writes for itself does
 * not count.
 */
public final class Usage {
  /** Whether somebody wants reports: they tell how many entries were in use too. */
  private final boolean isReported;

  private final Map<Bucket, Counters> counters = new ConcurrentHashMap<>();

  /**
   * What clients wrote into a bucket and read from it since the server was started.
   *
   * @param writtenBytes of bodies
   * @param readBytes of bodies, or of the parts that were wanted
   */
  public record Traffic(long writtenBytes, long readBytes, long writtenRecords, long readRecords) {}

  /** Of one bucket. */
  private static final class Counters {
    final LongAdder writtenBytes = new LongAdder();
    final LongAdder writtenRecords = new LongAdder();
    final LongAdder readBytes = new LongAdder();
    final LongAdder readRecords = new LongAdder();
    final Set<Entry> written = ConcurrentHashMap.newKeySet();
    final Set<Entry> read = ConcurrentHashMap.newKeySet();

    /** What was told in reports; belongs to who makes them. */
    Traffic told = new Traffic(0, 0, 0, 0);

    Traffic sums() {
      return new Traffic(
          writtenBytes.sum(), readBytes.sum(), writtenRecords.sum(), readRecords.sum());
    }

    /** Takes what was counted; what is counted meanwhile belongs to the next report. */
    Interval take() {
      Traffic before = told;
      told = sums();
      return new Interval(
          told.writtenBytes - before.writtenBytes,
          told.readBytes - before.readBytes,
          told.writtenRecords - before.writtenRecords,
          told.readRecords - before.readRecords,
          take(written),
          take(read));
    }

    private static int take(Set<Entry> entries) {
      int count = 0;
      for (var at = entries.iterator(); at.hasNext(); count++) {
        at.next();
        at.remove();
      }
      return count;
    }
  }

  /** What happened between two reports. */
  private record Interval(
      long writtenBytes,
      long readBytes,
      long writtenRecords,
      long readRecords,
      int writtenEntries,
      int readEntries) {
    static final Interval NONE = new Interval(0, 0, 0, 0, 0, 0);

    Interval and(Interval other) {
      return new Interval(
          writtenBytes + other.writtenBytes,
          readBytes + other.readBytes,
          writtenRecords + other.writtenRecords,
          readRecords + other.readRecords,
          writtenEntries + other.writtenEntries,
          readEntries + other.readEntries);
    }
  }

  /** What is there at the moment of a report. */
  private record Holdings(long bytes, long buckets, long entries, long blocks, long records) {
    static final Holdings NONE = new Holdings(0, 0, 0, 0, 0);

    static Holdings of(Bucket bucket) {
      long entries = 0;
      long blocks = 0;
      long records = 0;
      for (EntryInfo entry : bucket.entryInfos()) {
        entries++;
        blocks += entry.blockCount();
        records += entry.recordCount();
      }
      return new Holdings(bucket.info().size(), 1, entries, blocks, records);
    }

    Holdings and(Holdings other) {
      return new Holdings(
          bytes + other.bytes,
          buckets + other.buckets,
          entries + other.entries,
          blocks + other.blocks,
          records + other.records);
    }
  }

  /**
   * Counts from now on.
   *
   * @param isReported whether {@link #report} will be called
   */
  Usage(boolean isReported) {
    this.isReported = isReported;
  }

  /** A record of so many bytes was committed. */
  public void wrote(Entry entry, long bytes) {
    Counters of = of(entry);
    of.writtenBytes.add(bytes);
    of.writtenRecords.increment();
    if (isReported) {
      note(of.written, entry);
    }
  }

  /** A record of which so many bytes were wanted was handed to the socket. */
  public void read(Entry entry, long bytes) {
    Counters of = of(entry);
    of.readBytes.add(bytes);
    of.readRecords.increment();
    if (isReported) {
      note(of.read, entry);
    }
  }

  /** What clients did with a bucket so far. */
  public Traffic traffic(Bucket bucket) {
    Counters known = counters.get(bucket);
    return known == null ? new Traffic(0, 0, 0, 0) : known.sums();
  }

  private Counters of(Entry entry) {
    Counters found = counters.get(entry.bucket());
    if (found != null) {
      return found;
    }
    if (!isReported) {
      // Otherwise the report takes those that are gone, with what was done to them at last.
      counters.keySet().removeIf(Bucket::isGone);
    }
    return counters.computeIfAbsent(entry.bucket(), bucket -> new Counters());
  }

  /** Looks before it adds: mostly the entry is there, and a look takes no lock. */
  private static void note(Set<Entry> entries, Entry entry) {
    if (!entries.contains(entry)) {
      entries.add(entry);
    }
  }

  /** Makes the events of an interval: {@code total}, and one for each bucket of clients. */
  void report(Store store, Clock clock, long nanos, Consumer<SystemEvent> out) {
    Interval interval = Interval.NONE;
    Holdings holdings = Holdings.NONE;
    long now = clock.wallMicros();
    for (Bucket bucket : store.buckets()) {
      Counters own = counters.get(bucket);
      Interval happened = own == null ? Interval.NONE : own.take();
      interval = interval.and(happened);
      try {
        Holdings there = Holdings.of(bucket);
        holdings = holdings.and(there);
        if (!bucket.name().startsWith("$")) {
          out.accept(event(bucket.name(), now, nanos, happened, there));
        }
      } catch (PannierException.NotFound | PannierException.Conflict removed) {
        // It went away meanwhile; what was done to it stands in the total.
      }
    }
    // Of buckets that are gone.
    for (Bucket bucket : List.copyOf(counters.keySet())) {
      if (store.findBucket(bucket.name()).orElse(null) != bucket) {
        Counters own = counters.remove(bucket);
        interval = own == null ? interval : interval.and(own.take());
      }
    }
    out.accept(event("total", now, nanos, interval, holdings));
  }

  private static SystemEvent event(
      String name, long now, long nanos, Interval happened, Holdings there) {
    return new SystemEvent(
        "usage", name, now, 200, "", Labels.EMPTY, json -> write(json, nanos, happened, there));
  }

  private static void write(JsonGenerator json, long nanos, Interval happened, Holdings there)
      throws IOException {
    json.writeNumberField("duration", nanos / 1e9);
    json.writeNumberField("write_bytes", happened.writtenBytes);
    json.writeNumberField("read_bytes", happened.readBytes);
    json.writeNumberField("records_written", happened.writtenRecords);
    json.writeNumberField("records_read", happened.readRecords);
    json.writeNumberField("written_entries", happened.writtenEntries);
    json.writeNumberField("read_entries", happened.readEntries);
    json.writeNumberField("storage_bytes", there.bytes);
    json.writeNumberField("bucket_count", there.buckets);
    json.writeNumberField("entry_count", there.entries);
    json.writeNumberField("block_count", there.blocks);
    json.writeNumberField("record_count", there.records);
  }
}
