package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An entry in the order in which it came to be, by sequence numbers: records with the labels they
 * were written with, changes of labels, removals. What was rewritten since shows its labels of then
 * and no removed records, and what was evicted is not there; whoever must not miss anything is a
 * {@link Follower}. Any thread may call; all of it may read files.
 */
public final class History {
  /** Blocks whose first number is remembered beyond those that are there. */
  private static final int SPARE_PLACES = 64;

  private final Entry entry;

  /** Numbers of the first and last record of closed blocks, as far as they were looked at. */
  private final Map<Block, Place> places = new ConcurrentHashMap<>();

  private record Place(long first, long last) {}

  /** A history of this entry; keeps a few bytes per block. */
  public History(Entry entry) {
    this.entry = entry;
  }

  /** Something that happened. */
  public sealed interface Event {
    /** Its number among all events of the entry. */
    long sequence();

    /**
     * A record was committed.
     *
     * @param length bytes of its body
     * @param labels those it was written with, unless its block was rewritten since
     * @param damaged whether its labels cannot be read
     */
    record Written(long sequence, long timestamp, long length, Labels labels, boolean damaged)
        implements Event {}

    /**
     * Labels of a record changed.
     *
     * @param record number of the record
     * @param length bytes of its body
     * @param labels all of them after the change
     * @param removed names that were there before and no longer are
     * @param origin id of the store that the change was copied from
     */
    record Relabelled(
        long sequence,
        long record,
        long timestamp,
        long length,
        Labels labels,
        Set<String> removed,
        Optional<UUID> origin)
        implements Event {}

    /**
     * A record was removed.
     *
     * @param record number of the record
     * @param length bytes of its body
     */
    record Removed(long sequence, long record, long timestamp, long length) implements Event {}
  }

  /**
   * A part of the history.
   *
   * @param events by ascending number
   * @param upTo number up to which nothing is missing
   */
  public record Page(List<Event> events, long upTo) {}

  /** A block with what of it belongs to the state of one moment. */
  private record Part(Block block, long changeBytes) {}

  /**
   * What happened behind a number.
   *
   * @param max most events, about
   * @param withLabels whether labels of written records are wanted; else they are shown without
   */
  public Page after(long sequence, int max, boolean withLabels) {
    for (; ; ) {
      Page page = read(sequence, max, withLabels);
      if (page != null) {
        return page;
      }
    }
  }

  private @Nullable Page read(long after, int max, boolean withLabels) {
    var parts = new ArrayList<Part>();
    long last;
    BlockMap map;
    entry.lock.lock();
    try {
      entry.checkHere();
      last = entry.nextSequence - 1;
      map = entry.closed;
      for (Block block : entry.open) {
        add(block, after, parts);
      }
      for (int i = 0; i < map.size(); i++) {
        add(map.get(i), after, parts);
      }
    } finally {
      entry.lock.unlock();
    }
    var firsts = new HashMap<Block, Long>();
    for (Part part : parts) {
      Place place = place(part.block());
      if (place == null) {
        return null;
      }
      firsts.put(part.block(), place.first());
    }
    parts.sort(Comparator.comparing(part -> firsts.get(part.block())));
    List<Event> events = new ArrayList<>();
    long upTo = last;
    for (Part part : parts) {
      // Also a change has a higher number than the first record of its block.
      if (events.size() >= max && firsts.getOrDefault(part.block(), 0L) > upTo) {
        break;
      }
      if (!collect(part, after, upTo, max, withLabels, events)) {
        return null;
      }
      events.sort(Comparator.comparingLong(Event::sequence));
      if (events.size() >= max) {
        events = new ArrayList<>(events.subList(0, max));
        upTo = events.getLast().sequence();
      }
    }
    return new Page(events, upTo);
  }

  private static void add(Block block, long after, List<Part> parts) {
    if (block.lastSequence > after && block.records > 0) {
      parts.add(new Part(block, block.changeBytes));
    }
  }

  /** False when the block is gone and the state has to be looked at again. */
  private boolean collect(
      Part part, long after, long upTo, int max, boolean withLabels, List<Event> events) {
    Active active = hold(part.block());
    if (active == null) {
      return false;
    }
    try {
      entry.lock.lock();
      try {
        BlockIndex index = active.index;
        int taken = 0;
        for (int row = rowBehind(index, after); row < index.rows() && taken < max; row++) {
          if (index.sequence(row) > upTo) {
            break;
          }
          boolean damaged = (index.flags(row) & Frames.DAMAGED) != 0;
          Labels labels = withLabels && !damaged ? index.labels(row) : Labels.EMPTY;
          events.add(
              new Event.Written(
                  index.sequence(row), index.timestamp(row), index.length(row), labels, damaged));
          taken++;
        }
      } finally {
        entry.lock.unlock();
      }
      if (part.changeBytes() > FileHeader.BYTES) {
        collectChanges(active, part.changeBytes(), after, upTo, events);
      }
      return true;
    } catch (IOException failed) {
      if (part.block().gone) {
        return false;
      }
      throw entry.bucket.store.failure(
          "change log could not be read", part.block().changesPath(), failed);
    } finally {
      entry.bucket.store.cache.release(active);
    }
  }

  private void collectChanges(Active active, long end, long after, long upTo, List<Event> events)
      throws IOException {
    ByteBuffer log =
        ByteBuffer.allocate(Math.toIntExact(end - FileHeader.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    DiskFile file = active.changes.acquire();
    try {
      DiskReads.fill(file, log, FileHeader.BYTES);
    } finally {
      active.changes.release();
    }
    ChangeFrames.walk(
        log.flip(),
        FileHeader.BYTES,
        end,
        active.salt,
        new Events(entry, active, after, upTo, events));
  }

  /** Makes events of the frames of a change log. */
  private static final class Events implements ChangeFrames.Visitor {
    private final Entry entry;
    private final Active active;
    private final long after;
    private final long upTo;
    private final List<Event> events;
    private final Map<Long, Labels> current = new HashMap<>();

    Events(Entry entry, Active active, long after, long upTo, List<Event> events) {
      this.entry = entry;
      this.active = active;
      this.after = after;
      this.upTo = upTo;
      this.events = events;
    }

    @Override
    public void change(int kind, long target, long own, long timestamp, ByteBuffer content) {
      boolean wanted = own > after && own <= upTo;
      if (kind == ChangeFrames.KIND_REMOVAL) {
        if (wanted) {
          events.add(new Event.Removed(own, target, timestamp, length(target)));
        }
        return;
      }
      Meta meta = Meta.decode(content, 0, content.remaining());
      Labels labels = meta.labels();
      Labels before = current.put(target, labels);
      if (wanted) {
        Set<String> removed = new TreeSet<>();
        Labels earlier = before == null ? written(target) : before;
        for (int i = 0; i < earlier.size(); i++) {
          if (labels.get(earlier.name(i)) == null) {
            removed.add(earlier.name(i));
          }
        }
        events.add(
            new Event.Relabelled(
                own, target, timestamp, length(target), labels, removed, meta.origin()));
      }
    }

    private long length(long sequence) {
      entry.lock.lock();
      try {
        int row = active.index.rowOfSequence(sequence);
        return row < 0 ? 0 : active.index.length(row);
      } finally {
        entry.lock.unlock();
      }
    }

    private Labels written(long sequence) {
      entry.lock.lock();
      try {
        int row = active.index.rowOfSequence(sequence);
        return row < 0 ? Labels.EMPTY : active.index.labels(row);
      } finally {
        entry.lock.unlock();
      }
    }

    @Override
    public void damaged(long target, long own) {
      // Which labels the record has is not known: it answers 500 until a later change is whole.
    }

    @Override
    public void lost(long beforeSequence) {
      // As above, for all records that it may be about.
    }

    @Override
    public void hole(long from, long to) {
      // Below the accounted length there is none.
    }
  }

  /**
   * Live records by their numbers, in the state of this moment.
   *
   * @param sequences ascending
   * @return those that are there, by ascending number
   */
  public List<StoredRecord> records(long[] sequences) {
    for (; ; ) {
      List<StoredRecord> found = find(sequences);
      if (found != null) {
        return found;
      }
    }
  }

  private @Nullable List<StoredRecord> find(long[] sequences) {
    if (sequences.length == 0) {
      return List.of();
    }
    long first = sequences[0];
    long last = sequences[sequences.length - 1];
    var parts = new ArrayList<Part>();
    entry.lock.lock();
    try {
      entry.checkHere();
      for (Block block : entry.open) {
        add(block, first - 1, parts);
      }
      for (int i = 0; i < entry.closed.size(); i++) {
        add(entry.closed.get(i), first - 1, parts);
      }
    } finally {
      entry.lock.unlock();
    }
    var found = new ArrayList<StoredRecord>(sequences.length);
    for (Part part : parts) {
      Place place = place(part.block());
      if (place == null) {
        return null;
      }
      if (place.first() > last || place.last() < first) {
        continue;
      }
      Active active = hold(part.block());
      if (active == null) {
        return null;
      }
      entry.lock.lock();
      try {
        if (part.block().gone) {
          return null;
        }
        for (long sequence : sequences) {
          int row = active.index.rowOfSequence(sequence);
          if (row >= 0 && active.isLive(row)) {
            found.add(StoredRecord.of(entry, part.block(), active, row));
          }
        }
      } finally {
        entry.lock.unlock();
        entry.bucket.store.cache.release(active);
      }
    }
    found.sort(Comparator.comparingLong(StoredRecord::sequence));
    return found;
  }

  /**
   * Place of the block of a record among those that a ring gives up one after the other: the lower
   * the sooner, in the order of times. Empty when the record is not there.
   */
  public OptionalLong placeInRing(long sequence) {
    var parts = new ArrayList<Part>();
    entry.lock.lock();
    try {
      for (Block block : entry.open) {
        add(block, sequence - 1, parts);
      }
      for (int i = 0; i < entry.closed.size(); i++) {
        add(entry.closed.get(i), sequence - 1, parts);
      }
    } finally {
      entry.lock.unlock();
    }
    for (Part part : parts) {
      Place place = place(part.block());
      if (place != null && place.first() <= sequence && sequence <= place.last()) {
        return OptionalLong.of(part.block().fifoKey());
      }
    }
    return OptionalLong.empty();
  }

  /**
   * A number below which there is no record; looks at few blocks that were not looked at before, so
   * it may be lower than need be.
   */
  public long floor() {
    var blocks = new ArrayList<Block>();
    long floor;
    entry.lock.lock();
    try {
      floor = entry.nextSequence;
      blocks.addAll(entry.open);
      for (int i = 0; i < entry.closed.size(); i++) {
        blocks.add(entry.closed.get(i));
      }
    } finally {
      entry.lock.unlock();
    }
    int looks = 4;
    for (Block block : blocks) {
      if (block.records == 0) {
        continue;
      }
      if (!places.containsKey(block) && looks-- <= 0) {
        return 0;
      }
      Place place = place(block);
      floor = Math.min(floor, place == null ? 0 : place.first());
    }
    if (places.size() > 2 * blocks.size() + SPARE_PLACES) {
      places.keySet().retainAll(Set.copyOf(blocks));
    }
    return floor;
  }

  /** Where the records of a block stand among the numbers; null when the block is gone. */
  private @Nullable Place place(Block block) {
    Place known = places.get(block);
    if (known != null) {
      return known;
    }
    Active active = hold(block);
    if (active == null) {
      return null;
    }
    entry.lock.lock();
    try {
      BlockIndex index = active.index;
      int rows = index.rows();
      if (rows == 0) {
        return new Place(Long.MAX_VALUE, Long.MIN_VALUE);
      }
      var place = new Place(index.sequence(0), index.sequence(rows - 1));
      if (block.sealed) {
        places.put(block, place);
      }
      return place;
    } finally {
      entry.lock.unlock();
      entry.bucket.store.cache.release(active);
    }
  }

  private static int rowBehind(BlockIndex index, long sequence) {
    int low = 0;
    int high = index.rows();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (index.sequence(middle) > sequence) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** Null when the block is gone. */
  private @Nullable Active hold(Block block) {
    try {
      return entry.bucket.store.cache.hold(block);
    } catch (IOException failed) {
      if (block.gone) {
        return null;
      }
      throw entry.bucket.store.failure("index of a block could not be read", block.path(), failed);
    } catch (PannierException failed) {
      if (block.gone) {
        return null;
      }
      throw failed;
    }
  }
}
