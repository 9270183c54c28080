package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/**
 * A journal of numbers: each frame holds one, padded to some length that depends on it. The state
 * is the list of all of them.
 */
final class JournalFixture {
  static final String FOLDER = "b/7";
  static final String PREFIX = "journal";
  static final int KIND = 19;
  static final int SNAPSHOT_END = 24;
  static final Journal.Identity IDENTITY =
      new Journal.Identity(UUID.fromString("00112233-4455-4677-8899-aabbccddeeff"), 7);
  static final Clock CLOCK =
      new Clock() {
        @Override
        public long wallMicros() {
          return 1_700_000_000_000_000L;
        }

        @Override
        public long monotonicNanos() {
          return 0;
        }
      };

  private JournalFixture() {}

  /** Makes the folder, durably. */
  static void makeFolder(Disk disk) throws IOException {
    disk.makeFolder("b");
    disk.makeFolder(FOLDER);
    disk.syncAll();
  }

  static Journal newJournal(Disk disk, long seed, List<Integer> initial) throws IOException {
    return Journal.create(
        disk, FOLDER, PREFIX, IDENTITY, new Random(seed), CLOCK, SNAPSHOT_END, snapshot(initial));
  }

  /** Opens and adds what is replayed to the list. */
  static Journal open(Disk disk, long seed, List<Integer> replayed) throws IOException {
    return Journal.open(
        disk,
        FOLDER,
        PREFIX,
        IDENTITY,
        new Random(seed),
        CLOCK,
        SNAPSHOT_END,
        (kind, content) -> {
          if (kind == KIND) {
            replayed.add(numberOf(content));
          }
        });
  }

  /** What a start would replay; leaves the disk as it is but for what a start does. */
  static List<Integer> replay(Disk disk) throws IOException {
    var replayed = new ArrayList<Integer>();
    open(disk, 99, replayed).close();
    return replayed;
  }

  static JournalReport inspect(Disk disk) throws IOException {
    return Journal.inspect(disk, FOLDER, PREFIX, IDENTITY, SNAPSHOT_END, (_, _, _, _) -> {});
  }

  static Journal.Snapshot snapshot(List<Integer> state) {
    return sink -> {
      for (int number : state) {
        sink.frame(KIND, content(number));
      }
      sink.frame(SNAPSHOT_END, ByteBuffer.allocate(4));
    };
  }

  /** Between 4 and 103 bytes, some 4100. */
  static ByteBuffer content(int number) {
    int length = number % 17 == 16 ? 4100 : 4 + (number * 31) % 100;
    var content = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    content.putInt(0, number);
    for (int i = 4; i < length; i++) {
      content.put(i, (byte) (number + i));
    }
    return content;
  }

  static int numberOf(ByteBuffer content) {
    int number = content.getInt(0);
    if (content.order() != ByteOrder.LITTLE_ENDIAN || !content.equals(content(number))) {
      throw new AssertionError("a frame came back as something that was never written: " + content);
    }
    return number;
  }

  static String path(int generation, String copy) {
    return FOLDER + "/" + PREFIX + "-" + generation + copy;
  }

  static byte[] bytes(Disk disk, String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      var bytes = ByteBuffer.allocate((int) file.size());
      DiskReads.fill(file, bytes, 0);
      return bytes.array();
    }
  }

  /** Replaces a file. */
  static void write(Disk disk, String path, byte[] content, int length) throws IOException {
    disk.delete(path);
    try (DiskFile file = disk.create(path)) {
      file.append(ByteBuffer.wrap(content, 0, length));
    }
  }

  static List<Integer> range(int from, int to) {
    var range = new ArrayList<Integer>();
    for (int i = from; i < to; i++) {
      range.add(i);
    }
    return range;
  }
}
