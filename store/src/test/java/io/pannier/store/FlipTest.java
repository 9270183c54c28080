package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Bits that flip at rest, one at a time, in every byte of every file of a small store: a record
 * whose frame or change is hit answers with an error, every other one is served unchanged, and
 * nothing is ever served wrong. What must hold directly behind the start must still hold when the
 * engine has done its own work on the damaged files, and after another start.
 */
class FlipTest {
  private static final long NEW_RECORD = 1_000;
  private static final long BELATED = 5;

  /** How the process ended before the bit flipped. */
  enum Ending {
    CLEAN,
    /** Killed when everything was on the device and accounted for. */
    KILLED,
    /** As {@link #CLEAN}, with longer bodies and its sealed blocks compressed. */
    COMPRESSED
  }

  private record Expected(String body, Labels labels) {}

  /**
   * Bytes of a file that belong to one thing: a record by its time, or nothing that a record
   * depends on.
   */
  private record Part(String path, long from, long to, @Nullable Long record) {}

  private final Map<Long, Expected> live = new TreeMap<>();
  private final Set<Long> removed = new TreeSet<>();

  /** Parts of all blocks and change logs. */
  private final List<Part> parts = new ArrayList<>();

  /** What lengths of bodies are multiplied by: short ones would not become shorter. */
  private int stretch = 1;

  private static TestStores stores() {
    return new TestStores(5);
  }

  private void write(Entry entry, long time, int length, String... labels) {
    String body = (time + "-").repeat(1 + stretch * length / 3);
    entry.write(TestStores.record(time, body, labels));
    live.put(time, new Expected(body, Labels.of(labels)));
  }

  private void update(Entry entry, long time, String... update) {
    entry.updateLabels(time, Labels.of(update));
    live.computeIfPresent(
        time, (same, old) -> new Expected(old.body, old.labels.updated(Labels.of(update))));
  }

  private void remove(Entry entry, long time) {
    entry.remove(time);
    live.remove(time);
    removed.add(time);
  }

  /**
   * A sealed block with changes (10 to 13), one without (20 to 23), and an open block with changes
   * (30 to 32).
   */
  private MemoryDisk disk(Ending ending) throws IOException {
    var disk = new MemoryDisk();
    stretch = ending == Ending.COMPRESSED ? 100 : 1;
    TestStores stores = stores();
    Store store = stores.open(disk);
    Entry entry =
        store
            .createBucket("b", new BucketSettings(QuotaType.NONE, 0, 64_000_000, 4, null))
            .entryForWrite("e");
    write(entry, 11, 20, "a", "1");
    write(entry, 12, 3);
    write(entry, 10, 40, "a", "2", "long", "some text");
    write(entry, 13, 0, "b", "x");
    for (long time = 20; time < 24; time++) {
      write(entry, time, 10, "n", "" + time);
    }
    stretch = 1;
    write(entry, 31, 30, "a", "3");
    write(entry, 30, 7);
    write(entry, 32, 1, "b", "ÿ");
    stores.scheduler.advanceMillis(20_000);
    if (ending == Ending.COMPRESSED) {
      var compression = new Compression(entry, TimeRange.all(), false);
      while (compression.step()) {
        // The next block.
      }
      assertThat(compression.blocks()).isEqualTo(2);
    }
    update(entry, 11, "a", "new");
    remove(entry, 12);
    update(entry, 13, "b", "y");
    update(entry, 13, "b", "", "c", "z");
    update(entry, 31, "a", "", "later", "yes");
    remove(entry, 32);
    write(entry, 33, 12, "b", "1");
    removed.add(999L);
    stores.scheduler.advanceMillis(20_000);
    survey(store, entry);
    if (ending != Ending.KILLED) {
      store.close();
    }
    assertThat(stores.events).isEmpty();
    return disk.kill();
  }

  /** Notes what lies where. */
  private void survey(Store store, Entry entry) throws IOException {
    var blocks = new ArrayList<Block>(entry.open);
    for (int i = 0; i < entry.closed.size(); i++) {
      blocks.add(entry.closed.get(i));
    }
    assertThat(blocks).hasSize(3);
    for (Block block : blocks) {
      Active active = store.cache.hold(block);
      BlockIndex index = active.index;
      parts.add(new Part(block.path(), 0, FileHeader.BYTES, null));
      long at = FileHeader.BYTES;
      for (int row = 0; row < index.rows(); row++) {
        assertThat(index.offset(row)).isEqualTo(at);
        parts.add(new Part(block.path(), at, at + active.frameLength(row), index.timestamp(row)));
        at += active.frameLength(row);
      }
      if (block.sealed) {
        parts.add(new Part(block.path(), at, block.bytes, null));
      }
      if (block.changeBytes > 0) {
        surveyChanges(block, active);
      }
    }
  }

  private void surveyChanges(Block block, Active active) throws IOException {
    parts.add(new Part(block.changesPath(), 0, FileHeader.BYTES, null));
    var log =
        java.nio.ByteBuffer.allocate((int) block.changeBytes)
            .order(java.nio.ByteOrder.LITTLE_ENDIAN);
    active.changes.acquire().read(log, 0);
    var frames = new ArrayList<Part>();
    int at = FileHeader.BYTES;
    while (at < log.limit()) {
      int length = ChangeFrames.length(log.getInt(at + 40));
      frames.add(new Part(block.changesPath(), at, at + (long) length, log.getLong(at + 24)));
      at += length;
    }
    for (int i = 0; i < frames.size(); i++) {
      Part frame = frames.get(i);
      boolean superseded =
          frames.subList(i + 1, frames.size()).stream()
              .anyMatch(later -> later.record.equals(frame.record));
      parts.add(superseded ? new Part(frame.path, frame.from, frame.to, null) : frame);
    }
  }

  // ---------------------------------------------------------------- looking

  private enum Answer {
    SERVED,
    DAMAGED,
    MISSING
  }

  private static Answer answer(Entry entry, long time, @Nullable Expected expected) {
    StoredRecord found;
    String text;
    try {
      found = entry.find(time);
      text = TestStores.text(found);
    } catch (PannierException.Damaged damaged) {
      return Answer.DAMAGED;
    } catch (PannierException.NotFound missing) {
      return Answer.MISSING;
    }
    assertThat(expected).as("record " + time + " was removed").isNotNull();
    assertThat(text).isEqualTo(expected.body);
    assertThat(found.labels()).isEqualTo(expected.labels);
    return Answer.SERVED;
  }

  /** What a scan gives must agree with what is found one by one. */
  private static void checkScan(
      Entry entry, Map<Long, Answer> answers, Map<Long, Expected> expected) {
    for (StoredRecord record : entry.scan(TimeRange.of(0, NEW_RECORD), 1_000)) {
      if (record.timestamp() == BELATED) {
        continue;
      }
      Answer answer = answers.get(record.timestamp());
      Answer scanned;
      try {
        assertThat(TestStores.text(record)).isEqualTo(expected.get(record.timestamp()).body);
        assertThat(record.labels()).isEqualTo(expected.get(record.timestamp()).labels);
        scanned = Answer.SERVED;
      } catch (PannierException.Damaged damaged) {
        scanned = Answer.DAMAGED;
      }
      assertThat(scanned).isEqualTo(answer);
    }
  }

  private Map<Long, Answer> answers(Entry entry) {
    var answers = new TreeMap<Long, Answer>();
    live.forEach((time, expected) -> answers.put(time, answer(entry, time, expected)));
    removed.forEach(time -> answers.put(time, answer(entry, time, null)));
    checkScan(entry, answers, live);
    return answers;
  }

  /** Exactly the record that was hit answers as damaged; one that was removed may stay missing. */
  private void check(Entry entry, @Nullable Long hit) {
    Map<Long, Answer> answers = answers(entry);
    live.keySet()
        .forEach(time ->
            assertThat(answers.get(time))
                .as("record " + time)
                .isEqualTo(time.equals(hit) ? Answer.DAMAGED : Answer.SERVED));
    for (long time : removed) {
      if (hit == null || time != hit) {
        assertThat(answers.get(time)).as("removed record " + time).isEqualTo(Answer.MISSING);
      }
    }
  }

  private void flip(MemoryDisk healthy, String path, long position, int mask, @Nullable Long hit)
      throws IOException {
    MemoryDisk disk = healthy.kill();
    disk.flip(path, position, mask);
    try {
      TestStores stores = stores();
      Store store = stores.open(disk);
      Entry entry = store.bucket("b").entry("e");
      check(entry, hit);
      if (hit != null && live.containsKey(hit)) {
        assertThat(stores.events).anyMatch(event -> event.startsWith("DAMAGE"));
      }
      assertThat(stores.events).noneMatch(event -> event.startsWith("LOSS"));
      entry.write(TestStores.record(NEW_RECORD, "new"));
      entry.write(TestStores.record(BELATED, "belated"));
      check(entry, hit);
      stores.scheduler.advanceMillis(20_000);
      check(entry, hit);
      store.close();
      stores = stores();
      store = stores.open(disk.kill());
      entry = store.bucket("b").entry("e");
      check(entry, hit);
      assertThat(TestStores.text(entry.find(NEW_RECORD))).isEqualTo("new");
      assertThat(TestStores.text(entry.find(BELATED))).isEqualTo("belated");
      assertThat(stores.events).noneMatch(event -> event.startsWith("LOSS"));
      if (hit != null && live.containsKey(hit)) {
        entry.remove(hit);
        assertThat(answer(entry, hit, null)).isEqualTo(Answer.MISSING);
      }
      entry.removeRange(TimeRange.all());
      assertThat(entry.info()).isEqualTo(new EntryInfo("e", 0, 0, 0, 0, 0));
      store.close();
    } catch (RuntimeException | AssertionError failed) {
      throw new AssertionError(
          path + " at " + position + ", mask " + mask + ", record " + hit, failed);
    }
  }

  private void flipParts(Ending ending, int stride, int masks) throws IOException {
    MemoryDisk healthy = disk(ending);
    for (Part part : parts) {
      for (long at = part.from; at < part.to; at += stride) {
        for (int i = 0; i < masks; i++) {
          flip(healthy, part.path, at, 1 << ((at + i) % 8), part.record);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFlipInABlockCostsItsRecordOnly(Ending ending) throws IOException {
    flipParts(ending, ending == Ending.COMPRESSED ? 5 : 1, 1);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void anyFlipInABlockCostsItsRecordOnly(Ending ending) throws IOException {
    flipParts(ending, 1, 8);
  }

  // ---------------------------------------------------------------- journals and FORMAT

  private static List<String> files(MemoryDisk disk, String folder) throws IOException {
    var found = new ArrayList<String>();
    for (String child : disk.list(folder)) {
      if (child.startsWith("journal-")
          || child.startsWith("store-")
          || child.startsWith("FORMAT")) {
        found.add(folder.isEmpty() ? child : folder + "/" + child);
      }
    }
    return found;
  }

  private void flipCopies(Ending ending, int stride, int masks) throws IOException {
    MemoryDisk healthy = disk(ending);
    MemoryDisk copy = healthy.kill();
    var paths = new ArrayList<>(files(copy, ""));
    paths.addAll(files(copy, "b/1"));
    assertThat(paths).hasSize(6);
    for (String path : paths) {
      long size;
      try (var file = copy.open(path)) {
        size = file.size();
      }
      for (long at = path.length() % stride; at < size; at += stride) {
        for (int i = 0; i < masks; i++) {
          flip(healthy, path, at, 1 << ((at + i) % 8), null);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "COMPRESSED")
  void aFlipInACopyCostsNothing(Ending ending) throws IOException {
    flipCopies(ending, 5, 1);
  }

  @ParameterizedTest
  @EnumSource
  @Tag("slow")
  void anyFlipInACopyCostsNothing(Ending ending) throws IOException {
    flipCopies(ending, 1, 8);
  }

  // ---------------------------------------------------------------- special places

  /** An open block without a record has no second place that names its salt. */
  @Test
  void aFlipInTheHeaderOfAnEmptyBlockCostsNothing() throws IOException {
    var disk = new MemoryDisk();
    String path;
    try (Store store = stores().open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      try (Upload upload = entry.beginUpload(1, "", Labels.EMPTY, 10)) {
        upload.abort();
      }
      path = entry.open.getFirst().path();
    }
    for (Ending ending : Ending.values()) {
      MemoryDisk damaged = disk.kill();
      damaged.flip(path, 33, 4);
      TestStores stores = stores();
      Store store = stores.open(damaged);
      Entry entry = store.bucket("b").entry("e");
      assertThat(entry.scan(TimeRange.all(), 10)).isEmpty();
      entry.write(TestStores.record(1, "one"));
      if (ending != Ending.KILLED) {
        store.close();
      }
      entry = stores().open(damaged.kill()).bucket("b").entry("e");
      assertThat(TestStores.text(entry.find(1))).isEqualTo("one");
    }
  }

  @Test
  void aFlipInALongBodyIsFoundInItsChunk() throws IOException {
    var disk = new MemoryDisk();
    byte[] body = new byte[200_000];
    new java.util.SplittableRandom(3).nextBytes(body);
    String path;
    try (Store store = stores().open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      entry.write(new NewRecord(1, "", Labels.EMPTY, java.nio.ByteBuffer.wrap(body)));
      path = entry.open.getFirst().path();
    }
    for (int at = 112; at < 200_000; at += 9_973) {
      MemoryDisk damaged = disk.kill();
      damaged.flip(path, at, 1);
      try (Store store = stores().open(damaged);
          RecordBody read = store.bucket("b").entry("e").find(1).open()) {
        int bad = (at - 112) / RecordBody.CHUNK;
        for (int chunk = 0; chunk < 4; chunk++) {
          var target = java.nio.ByteBuffer.allocateDirect(RecordBody.CHUNK);
          boolean damage = false;
          try {
            read.read((long) chunk * RecordBody.CHUNK, target);
          } catch (PannierException.Damaged found) {
            damage = true;
          }
          assertThat(damage).isEqualTo(chunk == bad);
          var got = new byte[target.flip().remaining()];
          target.get(got);
          assertThat(got)
              .isEqualTo(
                  java.util.Arrays.copyOfRange(
                      body, chunk * RecordBody.CHUNK, chunk * RecordBody.CHUNK + got.length));
        }
      }
    }
  }

  /**
   * Behind the accounted bytes a hole may also be what a power cut took: the record may be missing,
   * but no other one.
   */
  @Test
  void aFlipBehindTheAccountedBytesCostsNoOtherRecord() throws IOException {
    var disk = new MemoryDisk();
    Store store = stores().open(disk);
    Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
    for (long time = 0; time < 6; time++) {
      write(entry, time, (int) time * 5, "n", "" + time);
    }
    update(entry, 2, "m", "1");
    update(entry, 4, "n", "");
    survey1(store, entry);
    MemoryDisk healthy = disk.kill();
    for (Part part : parts) {
      for (long at = part.from; at < part.to; at++) {
        MemoryDisk damaged = healthy.kill();
        damaged.flip(part.path, at, 1 << (at % 8));
        TestStores stores = stores();
        Entry found = stores.open(damaged).bucket("b").entry("e");
        for (int round = 0; round < 2; round++) {
          for (var record : live.entrySet()) {
            if (!record.getKey().equals(part.record)) {
              assertThat(answer(found, record.getKey(), record.getValue()))
                  .as(part + " at " + at + ", record " + record.getKey())
                  .isEqualTo(Answer.SERVED);
            } else if (part.path.endsWith(".blk")) {
              assertThat(answer(found, record.getKey(), record.getValue()))
                  .isNotEqualTo(Answer.SERVED);
            }
          }
          stores.scheduler.advanceMillis(10_000);
        }
      }
    }
  }

  private void survey1(Store store, Entry entry) throws IOException {
    Block block = entry.open.getFirst();
    Active active = store.cache.hold(block);
    parts.add(new Part(block.path(), 0, FileHeader.BYTES, null));
    for (int row = 0; row < active.index.rows(); row++) {
      long at = active.index.offset(row);
      parts.add(
          new Part(block.path(), at, at + active.frameLength(row), active.index.timestamp(row)));
    }
    surveyChanges(block, active);
  }
}
