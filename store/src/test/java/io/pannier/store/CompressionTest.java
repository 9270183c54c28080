package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Blocks that are compressed: smaller on the device, and the same to everybody who reads. */
class CompressionTest {
  private static final int CHUNK = RecordBody.CHUNK;

  /** Lengths around the borders of chunks, and of what is read as a whole. */
  private static final int[] LENGTHS = {
    0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 300_000, RecordBody.WHOLE_MAX, 1_500_000
  };

  private final MemoryDisk disk = new MemoryDisk();
  private TestStores stores = new TestStores(3);
  private final Map<Long, byte[]> written = new LinkedHashMap<>();
  private final Map<Long, Labels> labels = new LinkedHashMap<>();

  private static BucketSettings blocksOf(int records) {
    return new BucketSettings(QuotaType.NONE, 0, 64_000_000, records, null);
  }

  /** Text that shrinks; every third one has a chunk in the middle that does not. */
  private static byte[] body(int length, int seed) {
    var body = new byte[length];
    for (int i = 0; i < length; i++) {
      body[i] = (byte) ("line " + (i / 50 + seed) % 10 + " ").charAt(i % 7);
    }
    if (seed % 3 == 0 && length > 2 * CHUNK) {
      var noise = new byte[CHUNK];
      new SplittableRandom(seed).nextBytes(noise);
      System.arraycopy(noise, 0, body, CHUNK, CHUNK);
    }
    return body;
  }

  private void write(Entry entry, long time, byte[] body, String... with) {
    try (Upload upload = entry.beginUpload(time, "text/x", Labels.of(with), body.length)) {
      upload.write(ByteBuffer.wrap(body));
      upload.commit();
    }
    written.put(time, body);
    labels.put(time, Labels.of(with));
  }

  /** A store with one closed block of all lengths, and an open one. */
  private Entry fill(Store store) {
    Entry entry = store.createBucket("b", blocksOf(LENGTHS.length)).entryForWrite("e");
    for (int i = 0; i < LENGTHS.length; i++) {
      write(entry, 10 + i, body(LENGTHS[i], i), "n", "" + i);
    }
    write(entry, 100, body(5000, 1));
    stores.scheduler.advanceMillis(20_000);
    assertThat(entry.closed.size()).isEqualTo(1);
    return entry;
  }

  private static Compression compress(Entry entry) {
    var compression = new Compression(entry, TimeRange.all(), false);
    while (compression.step()) {
      // The next block.
    }
    return compression;
  }

  /** Reads everything in every way there is. */
  private void checkAll(Entry entry) {
    List<StoredRecord> found = entry.scan(TimeRange.all(), 1000);
    assertThat(found)
        .extracting(StoredRecord::timestamp)
        .containsExactlyElementsOf(written.keySet());
    ByteBuffer scratch = ByteBuffer.allocateDirect(2 << 20);
    try (var run = new RecordRun(() -> ByteBuffer.allocateDirect(RecordRun.WINDOW))) {
      for (StoredRecord record : found) {
        byte[] expected = written.get(record.timestamp());
        assertThat(record.length()).isEqualTo(expected.length);
        assertThat(record.labels()).isEqualTo(labels.get(record.timestamp()));
        assertThat(record.contentType()).isEqualTo("text/x");
        if (expected.length <= RecordBody.WHOLE_MAX) {
          assertThat(TestStores.bytes(record)).isEqualTo(expected);
          ByteBuffer body = run.read(record, scratch.clear().limit(RecordRun.frameBytes(record)));
          assertThat(bytes(body)).isEqualTo(expected);
        }
        for (int pieces : new int[] {1, 2, 5}) {
          checkPieces(record, expected, pieces * CHUNK);
        }
      }
    }
  }

  private static void checkPieces(StoredRecord record, byte[] expected, int piece) {
    try (RecordBody body = record.open()) {
      for (int at = 0; at < expected.length; at += piece) {
        ByteBuffer target = ByteBuffer.allocateDirect(piece);
        body.read(at, target);
        assertThat(bytes(target.flip()))
            .isEqualTo(Arrays.copyOfRange(expected, at, Math.min(expected.length, at + piece)));
      }
      if (expected.length > 2 * CHUNK) {
        ByteBuffer last = ByteBuffer.allocateDirect(CHUNK);
        body.read(2L * CHUNK, last); // a range begins anywhere
        assertThat(last.flip().get(0)).isEqualTo(expected[2 * CHUNK]);
      }
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    var bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private static List<String> findings(Disk stopped) {
    try {
      return Verifier.run(stopped, Verifier.Progress.NONE).findings().stream()
          .map(Verification.Finding::toString)
          .toList();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  // ---------------------------------------------------------------- reading

  @Test
  void everyReadIsTheSameAsBefore() throws IOException {
    Store store = stores.open(disk);
    Entry entry = fill(store);
    EntryInfo before = entry.info();
    long bytes = store.bucket("b").diskBytes();
    Compression done = compress(entry);
    assertThat(done.blocks()).isEqualTo(1);
    assertThat(done.records()).isEqualTo(LENGTHS.length);
    checkAll(entry);
    assertThat(entry.info()).isEqualTo(before);
    stores.scheduler.advanceMillis(20_000);
    assertThat(store.bucket("b").diskBytes()).isLessThan(bytes / 4);
    assertThat(store.bucket("b").diskBytes()).isEqualTo(ModelTest.bytesBelow(disk, "b/1"));
    store.close();
    assertThat(findings(disk.kill())).isEmpty();
    for (MemoryDisk after :
        List.of(disk.kill(), disk.crash(new SplittableRandom(1), CrashMode.DROP))) {
      try (Store again = new TestStores(4).open(after)) {
        checkAll(again.bucket("b").entry("e"));
        assertThat(again.bucket("b").entry("e").info()).isEqualTo(before);
      }
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void aBlockIsCompressedOnce() {
    try (Store store = stores.open(disk)) {
      Entry entry = fill(store);
      assertThat(compress(entry).blocks()).isEqualTo(1);
      assertThat(compress(entry).blocks()).isZero();
    }
    try (Store store = new TestStores(4).open(disk.kill())) {
      assertThat(compress(store.bucket("b").entry("e")).blocks()).isZero();
    }
  }

  @Test
  void aBlockThatWouldNotShrinkStays() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
      for (int i = 0; i < 4; i++) {
        var noise = new byte[100_000];
        new SplittableRandom(i).nextBytes(noise);
        write(entry, i, noise);
      }
      stores.scheduler.advanceMillis(20_000);
      Block block = entry.closed.get(0);
      assertThat(compress(entry).blocks()).isZero();
      assertThat(entry.closed.get(0)).isSameAs(block);
      assertThat(new Compression(entry, TimeRange.all(), true).step()).isFalse();
      // It may still be rewritten for another reason.
      entry.remove(0);
      stores.scheduler.advanceMillis(20_000);
      assertThat(entry.closed.get(0)).isNotSameAs(block);
    }
  }

  @Test
  void onlyBlocksThatLieInTheRangeAreTouched() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(2)).entryForWrite("e");
      for (int i = 0; i < 7; i++) {
        write(entry, i, body(5000, 1));
      }
      stores.scheduler.advanceMillis(20_000);
      assertThat(entry.closed.size()).isEqualTo(3);
      var dry = new Compression(entry, TimeRange.of(0, 5), true);
      while (dry.step()) {
        // Counts.
      }
      assertThat(dry.blocks()).isEqualTo(2);
      assertThat(dry.records()).isEqualTo(4);
      var some = new Compression(entry, TimeRange.of(1, 5), false);
      while (some.step()) {
        // The next block.
      }
      assertThat(some.blocks()).isEqualTo(1);
      checkAll(entry);
      assertThat(compress(entry).blocks()).isEqualTo(2);
      checkAll(entry);
    }
  }

  // ---------------------------------------------------------------- changing

  @Test
  void whatIsCompressedIsChangedAndRewrittenAsAnyOther() {
    MemoryDisk last = disk;
    Store store = stores.open(last);
    Entry entry = fill(store);
    entry.updateLabels(11, Labels.of("n", "before"));
    labels.put(11L, Labels.of("n", "before"));
    compress(entry);
    entry.updateLabels(12, Labels.of("m", "behind"));
    labels.put(12L, Labels.of("m", "behind", "n", "2"));
    checkAll(entry);
    for (long time : new long[] {19, 15, 16}) {
      entry.remove(time);
      written.remove(time);
    }
    stores.scheduler.advanceMillis(20_000);
    store.close();
    last = last.kill();
    assertThat(findings(last)).isEmpty();
    last = last.kill();
    stores = new TestStores(9);
    store = stores.open(last);
    entry = store.bucket("b").entry("e");
    checkAll(entry);
    // A rewrite takes compressed records over as they are.
    long before = entry.closed.get(0).bytes;
    Rewriter.rewrite(entry.closed.get(0));
    assertThat(entry.closed.get(0).bytes).isLessThanOrEqualTo(before);
    checkAll(entry);
    assertThat(compress(entry).blocks()).isZero();
    stores.scheduler.advanceMillis(20_000);
    store.close();
    assertThat(findings(last.kill())).isEmpty();
    assertThat(stores.events).isEmpty();
  }

  @Test
  void aDamagedFooterOfACompressedBlockIsMadeAgain() throws IOException {
    String path;
    long footer;
    try (Store store = stores.open(disk)) {
      Entry entry = fill(store);
      compress(entry);
      path = entry.closed.get(0).path();
      footer = entry.closed.get(0).bytes - 40;
    }
    MemoryDisk damaged = disk.kill();
    damaged.flip(path, footer, 4);
    stores = new TestStores(8);
    try (Store store = stores.open(damaged)) {
      checkAll(store.bucket("b").entry("e"));
      stores.scheduler.advanceMillis(20_000);
      checkAll(store.bucket("b").entry("e"));
    }
    assertThat(findings(damaged.kill())).isEmpty();
  }

  @Test
  void aDamagedRecordKeepsItsBlockFromBeingCompressed() throws IOException {
    String path;
    try (Store store = stores.open(disk)) {
      Entry entry = fill(store);
      path = entry.closed.get(0).path();
    }
    MemoryDisk damaged = disk.kill();
    damaged.flip(path, 1_000_000, 4);
    stores = new TestStores(8);
    try (Store store = stores.open(damaged)) {
      Entry entry = store.bucket("b").entry("e");
      assertThat(compress(entry).blocks()).isZero();
      assertThat(entry.closed.get(0).path()).isEqualTo(path);
    }
  }

  @Test
  void aFlipInALongBodyIsFoundInItsChunk() throws IOException {
    byte[] body = body(4 * CHUNK, 3);
    String path;
    long from;
    ChunkTable table;
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(1)).entryForWrite("e");
      write(entry, 1, body);
      write(entry, 2, body);
      stores.scheduler.advanceMillis(20_000);
      assertThat(compress(entry).blocks()).isEqualTo(1);
      path = entry.closed.get(0).path();
      StoredRecord record = entry.find(1);
      from = record.offset() + Frames.HEADER + record.metaLength();
      try (RecordBody read = record.open()) {
        table = read.table();
      }
    }
    assertThat(table.isCompressed()).isTrue();
    assertThat(table.storedBytes(1)).isEqualTo(CHUNK);
    for (int hit = 0; hit < table.count(); hit++) {
      MemoryDisk damaged = disk.kill();
      damaged.flip(path, from + table.offset(hit) + table.storedBytes(hit) / 2, 16);
      assertThat(findings(damaged))
          .anyMatch(finding -> finding.contains("body does not match its checksums"));
      try (Store store = new TestStores(7).open(damaged.kill());
          RecordBody read = store.bucket("b").entry("e").find(1).open()) {
        for (int chunk = 0; chunk < table.count(); chunk++) {
          boolean isDamaged = false;
          try {
            read.read((long) chunk * CHUNK, ByteBuffer.allocateDirect(CHUNK));
          } catch (PannierException.Damaged found) {
            isDamaged = true;
          }
          assertThat(isDamaged).isEqualTo(chunk == hit);
        }
      }
    }
  }

  // ---------------------------------------------------------------- crashes

  private interface Act {
    void run(Entry entry);
  }

  /** What the store holds after a fault at each call of an act. */
  private void atEachCall(Fault.Kind kind, Act act) {
    boolean fired = true;
    for (int at = 1; fired; at++) {
      var memory = new MemoryDisk();
      var faulty = new FaultyDisk(memory, new SplittableRandom(at));
      stores = new TestStores(1);
      written.clear();
      labels.clear();
      Store store = stores.open(faulty);
      Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
      for (int i = 0; i < 8; i++) {
        write(entry, i, body(20_000 * (i % 3), i), "n", "" + i);
      }
      stores.scheduler.advanceMillis(20_000);
      entry.updateLabels(1, Labels.of("n", "new"));
      labels.put(1L, Labels.of("n", "new"));
      entry.remove(4);
      written.remove(4L);
      store.whenDurable(_ -> {});
      store.sync.round();
      faulty.arm(Fault.at(at, kind));
      try {
        act.run(entry);
      } catch (PannierException dead) {
        assertThat(faulty.fired()).isTrue();
      }
      fired = faulty.fired();
      var images = new ArrayList<MemoryDisk>();
      if (kind == Fault.Kind.POWER_LOSS) {
        for (CrashMode mode : CrashMode.values()) {
          images.add(memory.crash(new SplittableRandom(at), mode));
        }
      } else {
        checkAll(entry);
      }
      images.add(memory.kill());
      for (MemoryDisk image : images) {
        var again = new TestStores(2);
        try (Store found = again.open(image)) {
          checkAll(found.bucket("b").entry("e"));
          again.scheduler.advanceMillis(20_000);
          compress(found.bucket("b").entry("e"));
          checkAll(found.bucket("b").entry("e"));
          again.scheduler.advanceMillis(20_000);
        }
        assertThat(findings(image.kill())).as("call %d", at).isEmpty();
      }
    }
  }

  private void compressAndSettle(Entry entry) {
    compress(entry);
    stores.scheduler.advanceMillis(20_000);
  }

  @Test
  void deathAtAnyCallLosesNothing() {
    atEachCall(Fault.Kind.POWER_LOSS, this::compressAndSettle);
  }

  @Test
  void aFailureAtAnyCallLosesNothing() {
    for (Fault.Kind kind : List.of(Fault.Kind.FAIL, Fault.Kind.TEAR, Fault.Kind.DISK_FULL)) {
      atEachCall(kind, this::compressAndSettle);
    }
  }
}
