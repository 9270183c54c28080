package io.pannier.replicate;

import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.query.when.Condition;
import io.pannier.store.Entry;
import io.pannier.store.History;
import io.pannier.store.StoredRecord;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How far a task has come in one entry: up to which sequence number it has judged, which records
 * were chosen, which of them are still to be sent, and whose labels have changed since. Any thread
 * may call. Its lock may be held while files are read, and the lock of the entry is taken under it,
 * never the other way round.
 */
final class Track {
  /** Events that are read at a time. */
  private static final int PAGE = 4096;

  private static final UUID NO_ORIGIN = new UUID(0, 0);

  final Entry entry;
  private final History history;
  private final ReentrantLock lock = new ReentrantLock();

  /** What is told under the lock of the entry and looked at later. */
  private final ConcurrentLinkedQueue<Departure> departures = new ConcurrentLinkedQueue<>();

  private Judge judge;
  private final Predicate<String> wants;
  private final Diagnostics diagnostics;

  /** Whether records that are committed now are wanted. */
  private boolean wanted;

  /** Everything up to this number is judged. */
  private long position;

  /** Up to this number the judgement is remembered durably. */
  private volatile long durable;

  /** Of records up to {@link #position} that may be there still: those that were chosen. */
  private SequenceSet selected = new SequenceSet();

  /** Those that the destination is not known to have. */
  private Pending pending;

  /** Changes of labels that the destination is not known to have, by number of the record. */
  private final Map<Long, Dirty> dirty = new TreeMap<>();

  /** Tells a change that came while another one was under way. */
  private long lastMark;

  /** Numbers of the request under way, and those of them that went away meanwhile. */
  private Set<Long> inFlight = Set.of();

  private final Map<Long, Long> goneInFlight = new HashMap<>();

  /** Pending ones that the destination would not take for now; others go first. */
  private final SequenceSet deferred = new SequenceSet();

  private volatile boolean caring;

  /** Records from before a time are not chosen, up to this number; 0 where all may be. */
  private long startNumber;

  private long startTime;

  /** What the destination has still to be told of a record. */
  private record Dirty(Set<String> removed, long mark, Optional<UUID> origin) {}

  /**
   * What is still to be sent.
   *
   * @param records to be sent as a whole
   * @param bytes of their bodies
   * @param changes of labels of records that are there
   * @param oldestTime time of the first of the records, µs
   * @param oldestPlace its place among those that a ring gives up
   */
  record Backlog(
      long records, long bytes, long changes, OptionalLong oldestTime, OptionalLong oldestPlace) {}

  /** A block that went away. */
  private static final class Departure {
    final long[] sequences;
    final long[] lengths;
    final BitSet live;
    final boolean evicted;

    Departure(long[] sequences, long[] lengths, BitSet live, boolean evicted) {
      this.sequences = sequences;
      this.lengths = lengths;
      this.live = live;
      this.evicted = evicted;
    }
  }

  /**
   * A record that is to be sent.
   *
   * @param removed labels that the destination may have and that are gone; with a record that is
   *     sent as a whole, none
   * @param mark tells the change apart from one that comes while it is sent; 0: there is none
   * @param origin of a change, the store that it was copied from
   */
  record Item(StoredRecord record, Set<String> removed, long mark, Optional<UUID> origin) {}

  /** What became of an item. */
  enum Outcome {
    /** The destination has it. */
    ARRIVED,
    /** It had it before; changes of its labels it may not have. */
    WAS_THERE,
    /** It had it before, with other labels. */
    WAS_THERE_OTHERWISE,
    /** The destination does not have the record whose labels were to be changed. */
    MISSING,
    /** It will never take it. */
    REFUSED,
    /** Not this time. */
    LATER
  }

  /**
   * @param wants whether records that are committed to an entry of this name are wanted; what
   *     happens to those that were chosen before is followed in any case
   * @param position number up to which nothing is wanted
   */
  Track(
      Entry entry,
      Predicate<String> wants,
      Diagnostics diagnostics,
      Condition condition,
      long position) {
    this.entry = entry;
    this.wants = wants;
    this.diagnostics = diagnostics;
    history = new History(entry);
    pending = new Pending(history);
    judge = new Judge(condition);
    this.position = position;
  }

  /** Records from before this time are not wanted, as far as they are there already. */
  void startAt(long time) {
    startNumber = entry.lastSequence();
    startTime = time;
  }

  // ---------------------------------------------------------------- judging

  /** Another condition, and other entries, for what is committed from now on. */
  void change(Condition condition) {
    lock.lock();
    try {
      judge = new Judge(condition);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Judges what was committed since.
   *
   * @return whether anything was new
   */
  boolean catchUp() {
    lock.lock();
    try {
      return takeNews();
    } catch (PannierException.Conflict removed) {
      return false; // whoever holds the track finds out
    } finally {
      lock.unlock();
    }
  }

  private boolean takeNews() {
    long before = position;
    boolean changed = drain();
    wanted = wants.test(entry.name());
    boolean withLabels = wanted && judge.needsLabels();
    for (boolean more = true; more; ) {
      History.Page page = history.after(position, PAGE, withLabels);
      page.events().forEach(this::take);
      position = Math.max(position, page.upTo());
      more = page.events().size() >= PAGE;
    }
    note();
    return changed || position > before;
  }

  private void take(History.Event event) {
    switch (event) {
      case History.Event.Written written -> {
        if (!wanted || (written.sequence() <= startNumber && isTooOld(written.timestamp()))) {
          return;
        }
        if (Names.isMeta(entry.name()) || (written.damaged() && !judge.needsLabels())) {
          choose(written.sequence(), written.length());
        } else if (written.damaged()) {
          diagnostics.error(500, "Labels of a record in " + entry + " cannot be read", 1);
        } else {
          judge.written(
              written.sequence(),
              written.timestamp(),
              written.length(),
              written.labels(),
              this::choose);
        }
      }
      case History.Event.Relabelled change -> {
        if (!wanted) {
          return;
        }
        if (selected.contains(change.record())) {
          Dirty before = dirty.get(change.record());
          Set<String> removed = new TreeSet<>(change.removed());
          Optional<UUID> origin = change.origin();
          if (before != null) {
            removed.addAll(before.removed());
            origin = before.origin().equals(origin) ? origin : Optional.empty();
          }
          dirty.put(change.record(), new Dirty(removed, ++lastMark, origin));
        } else if (Names.isMeta(entry.name())
            || (judge.isRepeatable() && judge.relabelled(change.timestamp(), change.labels()))) {
          choose(change.record(), change.length());
        }
      }
      case History.Event.Removed removal -> {
        judge.removed(removal.record());
        forget(removal.record(), removal.length());
      }
    }
  }

  private boolean isTooOld(long timestamp) {
    return io.pannier.model.Timestamp.isBefore(timestamp, startTime);
  }

  private void choose(long sequence, long length) {
    selected.add(sequence);
    pending.choose(sequence, length);
  }

  /** A record is not there any more, and nobody misses it. */
  private void forget(long sequence, long length) {
    selected.remove(sequence);
    pending.remove(sequence, length);
    deferred.remove(sequence);
    dirty.remove(sequence);
  }

  // ---------------------------------------------------------------- what goes away

  /** Whether it has to be told which records go with a block. */
  boolean cares() {
    return caring;
  }

  /** Called under the lock of the entry. */
  void gone(long[] sequences, long[] lengths, BitSet live, boolean evicted) {
    departures.add(new Departure(sequences, lengths, live, evicted));
  }

  private boolean drain() {
    boolean any = false;
    for (Departure gone = departures.poll(); gone != null; gone = departures.poll()) {
      any = true;
      for (int i = 0; i < gone.sequences.length; i++) {
        long sequence = gone.sequences[i];
        boolean missed = pending.contains(sequence) && gone.evicted && gone.live.get(i);
        if (missed && inFlight.contains(sequence)) {
          goneInFlight.put(sequence, gone.lengths[i]);
          continue;
        }
        if (missed) {
          diagnostics.lost(1, gone.lengths[i]);
        }
        forget(sequence, gone.lengths[i]);
      }
    }
    return any;
  }

  /** After a start: pending records that went away when nobody could be told any more. */
  void reconcile() {
    lock.lock();
    try {
      drain();
      for (long from = pending.next(0); from >= 0; ) {
        List<Long> numbers = pending.page(from, PAGE);
        lookUp(numbers);
        from = pending.next(numbers.getLast() + 1);
      }
      note();
    } finally {
      lock.unlock();
    }
  }

  /** Records of these numbers; those that are gone are taken for lost. */
  private List<StoredRecord> lookUp(List<Long> numbers) {
    List<StoredRecord> found = history.records(Pending.asArray(numbers));
    if (found.size() < numbers.size()) {
      var there = new HashSet<Long>();
      found.forEach(record -> there.add(record.sequence()));
      // Perhaps somebody has removed them or they were evicted just now: then this is known by now.
      takeNews();
      if (numbers.stream()
          .anyMatch(number -> !there.contains(number) && pending.contains(number))) {
        settle();
      }
    }
    return found;
  }

  /**
   * Some pending records are gone and nobody has said so: all of that kind are lost. How long they
   * were is what the sum of the others falls short of.
   */
  private void settle() {
    var missing = new ArrayList<Long>();
    long sum;
    do {
      drain();
      missing.clear();
      sum = pending.measure(missing);
    } while (!departures.isEmpty());
    long lost = Math.max(0, pending.bytes() - sum);
    missing.forEach(number -> forget(number, 0));
    pending.correct(sum);
    diagnostics.lost(missing.size(), lost);
  }

  // ---------------------------------------------------------------- sending

  /** Whether anything is to be sent. */
  boolean hasWork() {
    return caring;
  }

  /** Records and changes that the destination is not known to have. */
  long pending() {
    lock.lock();
    try {
      long changes = dirty.keySet().stream().filter(record -> !pending.contains(record)).count();
      return pending.size() + changes;
    } finally {
      lock.unlock();
    }
  }

  /** What is to be sent; may read files. */
  Backlog backlog() {
    lock.lock();
    try {
      long changes = dirty.keySet().stream().filter(record -> !pending.contains(record)).count();
      Pending.Oldest oldest = pending.oldest();
      return new Backlog(pending.size(), pending.bytes(), changes, oldest.time(), oldest.place());
    } catch (PannierException.Conflict removed) {
      return new Backlog(0, 0, 0, OptionalLong.empty(), OptionalLong.empty());
    } finally {
      lock.unlock();
    }
  }

  /** Records chosen since the process began, and bytes of their bodies. */
  long[] chosen() {
    lock.lock();
    try {
      return new long[] {pending.chosenRecords(), pending.chosenBytes()};
    } finally {
      lock.unlock();
    }
  }

  /** Takes back what was put off: it may be tried again. */
  void retryDeferred() {
    lock.lock();
    try {
      deferred.clear();
    } finally {
      lock.unlock();
    }
  }

  /** The next records to be sent as a whole, by ascending number; they count as under way. */
  List<Item> nextRecords(int max) {
    lock.lock();
    try {
      drain();
      var numbers = new ArrayList<Long>();
      for (long at = pending.next(0); at >= 0 && numbers.size() < max; at = pending.next(at + 1)) {
        if (!deferred.contains(at)) {
          numbers.add(at);
        }
      }
      if (numbers.isEmpty()) {
        note();
        return List.of();
      }
      var items = new ArrayList<Item>(numbers.size());
      for (StoredRecord record : lookUp(numbers)) {
        if (isDiscarded(record)) {
          forget(record.sequence(), record.length());
          continue;
        }
        Dirty change = dirty.get(record.sequence());
        items.add(new Item(record, Set.of(), change == null ? 0 : change.mark(), Optional.empty()));
      }
      note();
      return items;
    } finally {
      lock.unlock();
    }
  }

  /** An attachment that was removed before it was sent: no store takes it in that state. */
  private boolean isDiscarded(StoredRecord record) {
    return Names.isMeta(entry.name()) && "true".equals(record.labels().get("remove"));
  }

  /** The next records whose labels the destination has to be told. */
  List<Item> nextChanges(int max) {
    lock.lock();
    try {
      var numbers = new ArrayList<Long>();
      for (long number : dirty.keySet()) {
        if (!pending.contains(number) && !deferred.contains(number) && numbers.size() < max) {
          numbers.add(number);
        }
      }
      var items = new ArrayList<Item>(numbers.size());
      var there = new HashSet<Long>();
      for (StoredRecord record : history.records(Pending.asArray(numbers))) {
        Dirty change = dirty.get(record.sequence());
        if (change != null) {
          there.add(record.sequence());
          items.add(new Item(record, change.removed(), change.mark(), change.origin()));
        }
      }
      for (long number : numbers) {
        if (!there.contains(number)) {
          dirty.remove(number); // the record is gone, and with it what its labels are
        }
      }
      note();
      return items;
    } finally {
      lock.unlock();
    }
  }

  /** From now on these are under way: what goes away meanwhile may have arrived. */
  void begin(List<Item> items) {
    lock.lock();
    try {
      inFlight = new HashSet<>();
      items.forEach(item -> inFlight.add(item.record().sequence()));
    } finally {
      lock.unlock();
    }
  }

  /** What became of records that were sent as a whole. */
  void sent(Item item, Outcome outcome) {
    lock.lock();
    try {
      long number = item.record().sequence();
      long length = item.record().length();
      switch (outcome) {
        case ARRIVED -> {
          pending.remove(number, length);
          Dirty change = dirty.get(number);
          if (change != null && change.mark() == item.mark()) {
            dirty.remove(number); // it arrived with its labels of now
          }
        }
        case WAS_THERE -> pending.remove(number, length);
        case WAS_THERE_OTHERWISE -> {
          pending.remove(number, length);
          dirty.putIfAbsent(number, new Dirty(Set.of(), ++lastMark, Optional.empty()));
        }
        case REFUSED, MISSING -> {
          if (pending.contains(number)) {
            diagnostics.refused(1, length);
          }
          forget(number, length);
        }
        case LATER -> {
          if (pending.contains(number)) {
            deferred.add(number);
          }
        }
      }
      note();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the destination has still to be told of labels of a record. */
  boolean hasChanged(Item item) {
    lock.lock();
    try {
      takeNews();
      return dirty.containsKey(item.record().sequence());
    } finally {
      lock.unlock();
    }
  }

  /** What became of changes of labels. */
  void changed(Item item, Outcome outcome) {
    lock.lock();
    try {
      long number = item.record().sequence();
      Dirty change = dirty.get(number);
      switch (outcome) {
        case ARRIVED, WAS_THERE, WAS_THERE_OTHERWISE, REFUSED -> {
          if (change != null && change.mark() == item.mark()) {
            dirty.remove(number);
          }
        }
        case MISSING -> {
          if (selected.contains(number)) {
            // With what was removed: whoever said so may have been wrong, and have it all the same.
            pending.add(number, item.record().length());
          } else {
            dirty.remove(number);
          }
        }
        case LATER -> {
          if (change != null) {
            deferred.add(number);
          }
        }
      }
      note();
    } finally {
      lock.unlock();
    }
  }

  /** Nothing is under way any more; what went away and has not arrived is lost. */
  void end() {
    lock.lock();
    try {
      inFlight = Set.of();
      goneInFlight.forEach((number, length) -> {
        if (pending.contains(number)) {
          diagnostics.lost(1, length);
        }
        forget(number, length);
      });
      goneInFlight.clear();
      note();
    } finally {
      lock.unlock();
    }
  }

  private void note() {
    caring = !pending.isEmpty() || !dirty.isEmpty();
  }

  // ---------------------------------------------------------------- remembering

  /** Up to which number its judgement survives a stop. */
  long durable() {
    return durable;
  }

  void durable(long number) {
    durable = number;
  }

  /** Writes its state; returns the position that it is the state of. */
  long write(DataOutput out) throws IOException {
    lock.lock();
    try {
      drain();
      selected.removeBelow(history.floor());
      out.writeLong(position);
      out.writeLong(startNumber);
      out.writeLong(startTime);
      judge.write(out);
      selected.write(out);
      pending.write(out);
      out.writeInt(dirty.size());
      for (var change : dirty.entrySet()) {
        out.writeLong(change.getKey());
        out.writeInt(change.getValue().removed().size());
        for (String name : change.getValue().removed()) {
          out.writeUTF(name);
        }
        UUID origin = change.getValue().origin().orElse(NO_ORIGIN);
        out.writeLong(origin.getMostSignificantBits());
        out.writeLong(origin.getLeastSignificantBits());
      }
      return position;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Reads the state of an entry.
   *
   * @param entry null when it is gone: the state is passed over
   * @param wants as for a new track
   * @param condition the one that it was judged by
   */
  static @Nullable Track read(
      DataInput in,
      @Nullable Entry entry,
      Predicate<String> wants,
      Diagnostics diagnostics,
      Condition condition)
      throws IOException {
    long position = in.readLong();
    long startNumber = in.readLong();
    long startTime = in.readLong();
    var judge = new Judge(condition);
    judge.read(in);
    SequenceSet selected = SequenceSet.read(in);
    SequenceSet pending = SequenceSet.read(in);
    long pendingBytes = in.readLong();
    Map<Long, Dirty> dirty = new TreeMap<>();
    long mark = 0;
    for (int left = in.readInt(); left > 0; left--) {
      long record = in.readLong();
      Set<String> removed = new TreeSet<>();
      for (int names = in.readInt(); names > 0; names--) {
        removed.add(in.readUTF());
      }
      var origin = new UUID(in.readLong(), in.readLong());
      dirty.put(
          record,
          new Dirty(
              removed, ++mark, origin.equals(NO_ORIGIN) ? Optional.empty() : Optional.of(origin)));
    }
    if (entry == null) {
      return null;
    }
    var track = new Track(entry, wants, diagnostics, condition, position);
    track.judge = judge;
    track.startNumber = startNumber;
    track.startTime = startTime;
    track.selected = selected;
    track.pending = new Pending(track.history, pending, pendingBytes);
    track.dirty.putAll(dirty);
    track.lastMark = mark;
    track.durable = position;
    track.note();
    return track;
  }

  /**
   * A loss of power takes what was not on the device, and gives its numbers again to what comes
   * later.
   *
   * @return whether the state was ahead of the entry
   */
  boolean cutToEntry() {
    lock.lock();
    try {
      long last = entry.lastSequence();
      if (position <= last) {
        return false;
      }
      position = last;
      selected.removeAbove(last);
      pending.removeAbove(last);
      dirty.keySet().removeIf(record -> record > last);
      durable = 0;
      note();
      return true;
    } finally {
      lock.unlock();
    }
  }
}
