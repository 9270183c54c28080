package io.pannier.store.disk;

import static java.util.stream.Collectors.joining;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * How often each operation was called, and how many bytes went in and out. Kinds that were never
 * called are not in the map, so two counts are equal when they cost the same.
 *
 * <p>The text is meant for asserts: {@code assertThat(disk.since(before)).hasToString("append 2 (96
 * B), sync 1")}. Kinds come in the order of {@link DiskOperation}.
 */
public record Counts(Map<DiskOperation, Long> calls, long appendedBytes, long readBytes) {
  /** Nothing was called. */
  public static final Counts NONE = new Counts(Map.of(), 0, 0);

  /** Copies the calls. */
  public Counts {
    var copy = new EnumMap<DiskOperation, Long>(DiskOperation.class);
    calls.forEach((operation, count) -> {
      if (count != 0) {
        copy.put(operation, count);
      }
    });
    calls = Collections.unmodifiableMap(copy);
  }

  /** Calls of one kind. */
  public long of(DiskOperation operation) {
    return calls.getOrDefault(operation, 0L);
  }

  /** What was called after an earlier snapshot. */
  public Counts minus(Counts earlier) {
    return plus(earlier, -1);
  }

  /** The sum of the two. */
  public Counts plus(Counts other) {
    return plus(other, 1);
  }

  private Counts plus(Counts other, int sign) {
    var sum = new EnumMap<DiskOperation, Long>(DiskOperation.class);
    sum.putAll(calls);
    other.calls.forEach((operation, count) -> sum.merge(operation, sign * count, Long::sum));
    return new Counts(
        sum, appendedBytes + sign * other.appendedBytes, readBytes + sign * other.readBytes);
  }

  @Override
  public String toString() {
    if (calls.isEmpty()) {
      return "nothing";
    }
    return calls.entrySet().stream()
        .map(call -> call.getKey() + " " + call.getValue() + bytes(call.getKey()))
        .collect(joining(", "));
  }

  private String bytes(DiskOperation operation) {
    return switch (operation) {
      case APPEND -> " (" + appendedBytes + " B)";
      case READ -> " (" + readBytes + " B)";
      case APPEND_DIRECT,
          CREATE,
          OPEN,
          TRUNCATE,
          SYNC,
          SYNC_FOLDER,
          SYNC_ALL,
          RENAME,
          DELETE,
          MAKE_FOLDER,
          LIST,
          EXISTS,
          ALLOCATE,
          USABLE_BYTES,
          LOCK ->
          "";
    };
  }
}
