package io.pannier.replicate;

import io.pannier.store.History;
import io.pannier.store.StoredRecord;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;

/**
 * Records of an entry that the destination is not known to have: their numbers, and the bytes of
 * their bodies, which are added and subtracted as the records come and go. Not thread-safe.
 */
final class Pending {
  /** Numbers that are looked up at a time. */
  private static final int PAGE = 4096;

  private final History history;
  private final SequenceSet numbers;
  private long bytes;

  /** What was chosen since the process began, for rates. */
  private long chosenRecords;

  private long chosenBytes;
  private long oldestNumber = -1;
  private Oldest oldest = Oldest.NONE;

  /**
   * The record that was written first.
   *
   * @param time of the record, µs
   * @param place as of {@link History#placeInRing}
   */
  record Oldest(OptionalLong time, OptionalLong place) {
    static final Oldest NONE = new Oldest(OptionalLong.empty(), OptionalLong.empty());
  }

  Pending(History history) {
    this(history, new SequenceSet(), 0);
  }

  Pending(History history, SequenceSet numbers, long bytes) {
    this.history = history;
    this.numbers = numbers;
    this.bytes = bytes;
  }

  /** Adds a record that was chosen just now. */
  void choose(long number, long length) {
    if (add(number, length)) {
      chosenRecords++;
      chosenBytes += length;
    }
  }

  /** Returns whether it was not there before. */
  boolean add(long number, long length) {
    boolean isNew = numbers.add(number);
    bytes += isNew ? length : 0;
    return isNew;
  }

  /** Returns whether it was there before. */
  boolean remove(long number, long length) {
    boolean was = numbers.remove(number);
    bytes -= was ? length : 0;
    return was;
  }

  /** Takes out all above a number, which are there no more. */
  void removeAbove(long number) {
    numbers.removeAbove(number);
    bytes = measure(new ArrayList<>());
  }

  boolean contains(long number) {
    return numbers.contains(number);
  }

  boolean isEmpty() {
    return numbers.isEmpty();
  }

  long size() {
    return numbers.size();
  }

  long bytes() {
    return bytes;
  }

  long chosenRecords() {
    return chosenRecords;
  }

  long chosenBytes() {
    return chosenBytes;
  }

  /** The lowest number from {@code number} on, or −1. */
  long next(long number) {
    return numbers.next(number);
  }

  /** Numbers from one of them on. */
  List<Long> page(long from, int max) {
    var page = new ArrayList<Long>();
    for (long at = from; at >= 0 && page.size() < max; at = numbers.next(at + 1)) {
      page.add(at);
    }
    return page;
  }

  static long[] asArray(List<Long> numbers) {
    return numbers.stream().mapToLong(Long::longValue).toArray();
  }

  /** Bytes of those that are there, and the numbers of those that are not; reads files. */
  long measure(List<Long> missing) {
    long sum = 0;
    for (long from = numbers.next(0); from >= 0; ) {
      List<Long> page = page(from, PAGE);
      var there = new HashSet<Long>();
      for (StoredRecord record : history.records(asArray(page))) {
        there.add(record.sequence());
        sum += record.length();
      }
      page.stream().filter(number -> !there.contains(number)).forEach(missing::add);
      from = numbers.next(page.getLast() + 1);
    }
    return sum;
  }

  /** Sets the sum that {@link #measure} has found. */
  void correct(long measured) {
    bytes = measured;
  }

  /** The first of them; may read files. */
  Oldest oldest() {
    long first = numbers.next(0);
    if (first != oldestNumber) {
      List<StoredRecord> found = first < 0 ? List.of() : history.records(new long[] {first});
      oldestNumber = found.isEmpty() ? -1 : first;
      oldest =
          found.isEmpty()
              ? Oldest.NONE
              : new Oldest(
                  OptionalLong.of(found.getFirst().timestamp()), history.placeInRing(first));
    }
    return oldest;
  }

  void write(DataOutput out) throws IOException {
    numbers.write(out);
    out.writeLong(bytes);
  }
}
