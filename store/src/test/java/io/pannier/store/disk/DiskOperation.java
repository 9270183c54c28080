package io.pannier.store.disk;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** The calls of {@link Disk} and {@link DiskFile} that reach the operating system. */
public enum DiskOperation {
  CREATE,
  OPEN,
  APPEND,
  APPEND_DIRECT,
  READ,
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
  LOCK;

  /** Calls that change what is on the device or how safe it is. */
  public static final Set<DiskOperation> MUTATIONS =
      set(
          CREATE,
          APPEND,
          APPEND_DIRECT,
          TRUNCATE,
          SYNC,
          SYNC_FOLDER,
          SYNC_ALL,
          RENAME,
          DELETE,
          MAKE_FOLDER,
          ALLOCATE);

  /** Calls that only look. */
  public static final Set<DiskOperation> READS = set(OPEN, READ, LIST, EXISTS, USABLE_BYTES);

  /** Calls that ask for room. */
  public static final Set<DiskOperation> GROWTH =
      set(CREATE, APPEND, APPEND_DIRECT, MAKE_FOLDER, ALLOCATE);

  /** Calls that make a file longer by what they are given. */
  public static final Set<DiskOperation> APPENDS = set(APPEND, APPEND_DIRECT);

  /** Calls that make things durable. */
  public static final Set<DiskOperation> SYNCS = set(SYNC, SYNC_FOLDER, SYNC_ALL);

  private static Set<DiskOperation> set(DiskOperation first, DiskOperation... more) {
    return Collections.unmodifiableSet(EnumSet.of(first, more));
  }

  @Override
  public String toString() {
    String[] words = name().toLowerCase(Locale.ROOT).split("_", -1);
    return words.length == 1
        ? words[0]
        : words[0] + Character.toUpperCase(words[1].charAt(0)) + words[1].substring(1);
  }
}
