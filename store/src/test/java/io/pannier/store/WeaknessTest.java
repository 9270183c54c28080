package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static io.pannier.store.TestStores.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.Counts;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * One test for each weakness of the reference server that the store must not have. The numbers are
 * those of the list of weaknesses. Costs are counted, in calls, bytes and allocations, and never
 * timed.
 */
class WeaknessTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final CountingDisk counting = new CountingDisk(disk);
  private final TestStores stores = new TestStores(1);

  private static BucketSettings blocksOf(long records) {
    return settings(QuotaType.NONE, 0, records);
  }

  private static BucketSettings settings(QuotaType quota, long size, long records) {
    return new BucketSettings(quota, size, 64_000_000, records, null);
  }

  private static List<String> texts(Entry entry) {
    return entry.scan(TimeRange.all(), 100_000).stream().map(TestStores::text).toList();
  }

  private void fill(Entry entry, int from, int to) {
    fill(stores, entry, from, to);
  }

  /** Lets the engine seal what becomes full: with nobody to do it, a writer would wait. */
  private static void fill(TestStores stores, Entry entry, int from, int to) {
    for (int i = from; i < to; i++) {
      entry.write(record(i, "r" + i));
      stores.scheduler.runDue();
    }
  }

  private void settle() {
    stores.scheduler.advanceMillis(20_000);
  }

  private static List<String> files(Disk disk, String folder) {
    try {
      var files = new ArrayList<String>();
      for (String name : disk.list(folder)) {
        String path = folder + "/" + name;
        if (name.contains(".")) {
          files.add(path);
        } else {
          files.addAll(files(disk, path));
        }
      }
      return files;
    } catch (IOException failed) {
      throw new java.io.UncheckedIOException(failed);
    }
  }

  private static long bytesOf(Disk disk, List<String> files) {
    long bytes = 0;
    for (String path : files) {
      try (DiskFile file = disk.open(path)) {
        bytes += file.size();
      } catch (IOException failed) {
        throw new java.io.UncheckedIOException(failed);
      }
    }
    return bytes;
  }

  private static String block(Disk disk, String folder) {
    return files(disk, folder).stream()
        .filter(path -> path.endsWith(".blk"))
        .findFirst()
        .orElseThrow();
  }

  private static long allocatedBy(Runnable work) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long id = Thread.currentThread().threadId();
    work.run();
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long before = threads.getThreadAllocatedBytes(id);
      work.run();
      least = Math.min(least, threads.getThreadAllocatedBytes(id) - before);
    }
    return least;
  }

  // ---------------------------------------------------------------- correctness

  @Test
  @DisplayName("2: a time that any of several overlapping blocks holds is refused")
  void duplicatesAreFoundInOverlappingBlocks() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
      int[] order = {50, 10, 90, 30, 70, 20, 80, 40, 60, 15, 85, 55};
      for (int time : order) {
        entry.write(record(time, "r"));
        stores.scheduler.runDue();
      }
      for (int time : order) {
        assertThatThrownBy(() -> entry.write(record(time, "again")))
            .isInstanceOf(PannierException.Conflict.class);
        assertThatThrownBy(() -> entry.beginUpload(time, "", Labels.EMPTY, 5))
            .isInstanceOf(PannierException.Conflict.class);
      }
      assertThat(entry.scan(TimeRange.all(), 100)).hasSize(order.length);
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  @DisplayName("3: a belated record hides no later one")
  void belatedRecordsHideNothing() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(4)).entryForWrite("e");
      var times = new java.util.TreeSet<Long>();
      var random = new SplittableRandom(5);
      while (times.size() < 200) {
        long time = random.nextLong(1000);
        if (times.add(time)) {
          entry.write(record(time, "t" + time));
          stores.scheduler.runDue();
        }
      }
      for (long time : times) {
        assertThat(text(entry.find(time))).isEqualTo("t" + time);
      }
      assertThat(texts(entry)).isEqualTo(times.stream().map(time -> "t" + time).toList());
    }
  }

  @Test
  @DisplayName("4: what is acknowledged is stored: a body of the wrong length is refused")
  void aShortBodyIsNotAcknowledged() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      try (Upload upload = entry.beginUpload(1, "", Labels.EMPTY, 10)) {
        upload.write(ByteBuffer.allocate(9));
        assertThatThrownBy(upload::commit).isInstanceOf(PannierException.BadRequest.class);
      }
      try (Upload upload = entry.beginUpload(2, "", Labels.EMPTY, 10)) {
        assertThatThrownBy(() -> upload.write(ByteBuffer.allocate(11)))
            .isInstanceOf(PannierException.BadRequest.class);
      }
      assertThat(entry.info().recordCount()).isZero();
    }
  }

  @Test
  @DisplayName("4: FIFO does not evict a block that is being written")
  void theBlockInFlightIsNotEvicted() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", settings(QuotaType.FIFO, 100_000, 5));
      Entry slow = bucket.entryForWrite("slow");
      Entry quick = bucket.entryForWrite("quick");
      try (Upload upload = slow.beginUpload(1, "", Labels.EMPTY, 20_000)) {
        upload.write(ByteBuffer.allocate(10_000));
        for (int i = 0; i < 200; i++) {
          quick.write(record(100 + i, "x".repeat(2_000)));
          stores.scheduler.runDue();
        }
        upload.write(ByteBuffer.allocate(10_000));
        upload.commit();
      }
      assertThat(slow.find(1).length()).isEqualTo(20_000);
      assertThat(TestStores.bytes(slow.find(1))).isEqualTo(new byte[20_000]);
    }
  }

  @Test
  @DisplayName("4: an upload into an entry that is removed meanwhile is not acknowledged")
  void anUploadIntoARemovedEntryIsRefused() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("e");
      try (Upload upload = entry.beginUpload(1, "", Labels.EMPTY, 10)) {
        upload.write(ByteBuffer.allocate(10));
        bucket.removeEntry("e");
        assertThatThrownBy(upload::commit).isInstanceOf(PannierException.Conflict.class);
      }
      settle();
      assertThat(files(disk, "b")).allMatch(path -> path.contains("journal"));
    }
  }

  @Test
  @DisplayName("5: the time of a broken upload is free at once, also after a kill")
  void aBrokenUploadLocksNoTime() {
    Store store = stores.open(disk);
    Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
    try (Upload upload = entry.beginUpload(1, "", Labels.EMPTY, 100_000)) {
      upload.write(ByteBuffer.allocate(50_000));
    }
    entry.write(record(1, "first"));
    Upload unfinished = entry.beginUpload(2, "", Labels.EMPTY, 100_000);
    unfinished.write(ByteBuffer.allocate(50_000));
    var again = new TestStores(2);
    try (Store after = again.open(disk.kill())) {
      Entry found = after.bucket("b").entry("e");
      found.write(record(2, "second"));
      assertThat(texts(found)).containsExactly("first", "second");
    }
  }

  @Test
  @DisplayName("6: a torn record in the unaccounted part costs only itself")
  void aTornRecordCostsOnlyItself() throws IOException {
    Store store = stores.open(disk);
    Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
    fill(entry, 0, 10);
    long middle = disk.open(block(disk, "b")).size() / 2;
    MemoryDisk after = disk.kill();
    after.flip(block(after, "b"), middle, 4);
    var again = new TestStores(2);
    try (Store found = again.open(after)) {
      assertThat(found.bucket("b").entry("e").scan(TimeRange.all(), 100)).hasSize(9);
    }
    assertThat(again.events).isNotEmpty();
  }

  @Test
  @DisplayName("7: a flipped bit is an error, never a wrong answer")
  void aFlippedBitIsNeverServed() throws IOException {
    Store store = stores.open(disk);
    Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
    entry.write(record(1, "one"));
    entry.write(record(2, "two"));
    String path = block(disk, "b");
    long size = disk.open(path).size();
    for (long at = FileHeader.BYTES; at < size; at++) {
      disk.flip(path, at, 0x10);
      for (int time = 1; time <= 2; time++) {
        String expected = time == 1 ? "one" : "two";
        try {
          assertThat(text(entry.find(time))).isEqualTo(expected);
        } catch (PannierException.Damaged said) {
          assertThat(said).hasMessageContaining("broken");
        }
      }
      disk.flip(path, at, 0x10);
    }
    store.close();
  }

  @Test
  @DisplayName("8: a write of settings that fails or is torn leaves the old ones, never defaults")
  void settingsAreNeverHalfWritten() {
    for (Fault.Kind kind :
        List.of(Fault.Kind.FAIL, Fault.Kind.TEAR, Fault.Kind.POWER_LOSS, Fault.Kind.DISK_FULL)) {
      boolean fired = true;
      for (int at = 1; fired; at++) {
        var memory = new MemoryDisk();
        var faulty = new FaultyDisk(memory, new SplittableRandom(at));
        var here = new TestStores(1);
        Store store = here.open(faulty);
        BucketSettings before = settings(QuotaType.HARD, 1_000, 7);
        BucketSettings after = settings(QuotaType.FIFO, 2_000, 9);
        Bucket bucket = store.createBucket("b", before);
        faulty.arm(Fault.at(at, kind));
        boolean done = true;
        try {
          bucket.changeSettings(after);
        } catch (PannierException refused) {
          done = false;
        }
        fired = faulty.fired();
        MemoryDisk left = memory.crash(new SplittableRandom(at));
        try (Store found = new TestStores(2).open(left)) {
          BucketSettings settings = found.bucket("b").settings();
          if (done) {
            assertThat(settings).isEqualTo(after);
          } else {
            assertThat(settings).isIn(before, after);
          }
        }
      }
    }
  }

  @Test
  @DisplayName("9: what is acknowledged as durable survives the worst loss of power")
  void durableMeansDurable() {
    for (int seed = 0; seed < 20; seed++) {
      var memory = new MemoryDisk();
      var here = new TestStores(seed);
      Store store = here.open(memory);
      Entry entry = store.createBucket("b", blocksOf(3)).entryForWrite("e");
      fill(here, entry, 0, 8);
      entry.remove(2);
      entry.updateLabels(3, Labels.of("a", "b"));
      var durable = new AtomicReference<Optional<PannierException>>();
      store.whenDurable(durable::set);
      here.scheduler.runDue();
      assertThat(durable.get()).isEmpty();
      fill(here, entry, 8, 20);
      try (Store found = new TestStores(seed + 1).open(memory.crash(new SplittableRandom(seed)))) {
        Entry again = found.bucket("b").entry("e");
        assertThat(texts(again)).startsWith("r0", "r1", "r3", "r4", "r5", "r6", "r7");
        assertThat(again.find(3).labels()).isEqualTo(Labels.of("a", "b"));
      }
    }
  }

  @Test
  @DisplayName("10: a power loss at any moment of a block rewrite loses nothing")
  void aRewriteIsAtomic() {
    boolean fired = true;
    for (int at = 1; fired; at++) {
      var memory = new MemoryDisk();
      var faulty = new FaultyDisk(memory, new SplittableRandom(at));
      var here = new TestStores(1);
      Store store = here.open(faulty);
      Entry entry = store.createBucket("b", blocksOf(10)).entryForWrite("e");
      fill(here, entry, 0, 12);
      here.scheduler.advanceMillis(20_000);
      var errors = new PannierException[4];
      entry.removeAll(new long[] {0, 1, 2, 3}, errors);
      assertThat(errors).containsOnlyNulls();
      store.whenDurable(_ -> {});
      store.sync.round();
      faulty.arm(Fault.at(at, Fault.Kind.POWER_LOSS));
      here.scheduler.advanceMillis(20_000);
      fired = faulty.fired();
      var again = new TestStores(2);
      try (Store found = again.open(memory.crash(new SplittableRandom(at)))) {
        assertThat(texts(found.bucket("b").entry("e")))
            .as("power lost at call %d", at)
            .containsExactly("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11");
      }
    }
  }

  @Test
  @DisplayName("11: FIFO evicts nothing for a record that can never fit")
  void fifoDoesNotWipeForAGiant() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", settings(QuotaType.FIFO, 50_000, 10));
      Entry entry = bucket.entryForWrite("e");
      fill(entry, 0, 100);
      settle();
      EntryInfo before = entry.info();
      assertThatThrownBy(() -> entry.write(record(1000, "x".repeat(50_001))))
          .isInstanceOf(PannierException.BadRequest.class);
      assertThatThrownBy(() -> entry.beginUpload(1001, "", Labels.EMPTY, 50_001))
          .isInstanceOf(PannierException.BadRequest.class);
      assertThat(entry.info()).isEqualTo(before);
    }
  }

  @Test
  @DisplayName("12: HARD holds under concurrent writers and label updates")
  void hardQuotaHolds() throws InterruptedException {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", settings(QuotaType.HARD, 10_000, 1024));
      Entry entry = bucket.entryForWrite("e");
      var refused = new AtomicInteger();
      var threads = new ArrayList<Thread>();
      for (int t = 0; t < 16; t++) {
        int first = t;
        threads.add(
            Thread.ofVirtual()
                .start(() -> {
                  for (int i = 0; i < 20; i++) {
                    try {
                      entry.write(record(first * 100 + i, "x".repeat(100)));
                    } catch (PannierException.BadRequest full) {
                      refused.incrementAndGet();
                    }
                    assertThat(bucket.info().size()).isLessThanOrEqualTo(10_000);
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(refused).hasPositiveValue();
      assertThat(bucket.info().size()).isBetween(10_000L - 132, 10_000L);
      StoredRecord any = entry.scan(TimeRange.all(), 1).getFirst();
      assertThatThrownBy(
              () -> entry.updateLabels(any.timestamp(), Labels.of("long", "x".repeat(200))))
          .isInstanceOf(PannierException.BadRequest.class);
      assertThat(bucket.info().size()).isLessThanOrEqualTo(10_000);
      entry.remove(any.timestamp());
      entry.write(record(99_999, "x".repeat(100)));
    }
  }

  @Test
  @DisplayName("13: a damaged record can be removed, and its room comes back")
  void damageDoesNotOccupyForEver() throws IOException {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(1));
      Entry entry = bucket.entryForWrite("e");
      entry.write(record(1, "x".repeat(5_000)));
      entry.write(record(2, "good"));
      settle();
      String path = "b/1/1/1.blk";
      disk.flip(path, 2_000, 1);
      assertThatThrownBy(() -> text(entry.find(1))).isInstanceOf(PannierException.Damaged.class);
      entry.remove(1);
      settle();
      assertThat(disk.exists(path)).isFalse();
      assertThat(bucket.diskBytes()).isLessThan(2_000);
      assertThat(entry.info().recordCount()).isEqualTo(1);
    }
  }

  @Test
  @DisplayName("14: what was being removed at a kill does not come back, and its files go")
  void interruptedRemovalIsFinished() throws IOException {
    Store store = stores.open(disk);
    Bucket bucket = store.createBucket("b", blocksOf(3));
    for (String name : List.of("gone", "gone/below", "stays")) {
      fill(bucket.entryForWrite(name), 0, 10);
    }
    store.createBucket("other", blocksOf(3)).entryForWrite("e").write(record(1, "r"));
    settle();
    bucket.removeEntry("gone");
    store.removeBucket("other");
    MemoryDisk after = disk.kill();
    var again = new TestStores(2);
    try (Store found = again.open(after)) {
      again.scheduler.advanceMillis(20_000);
      assertThat(found.findBucket("other")).isEmpty();
      assertThat(found.bucket("b").entries()).extracting(Entry::name).containsExactly("stays");
      assertThat(after.list("b")).containsExactly("1");
      assertThat(after.list("b/1")).contains("3").doesNotContain("1", "2");
    }
  }

  @Test
  @DisplayName("15: an attachment is stored before the one it replaces is removed")
  void theOldAttachmentStaysUntilTheNewOneIsThere() {
    boolean fired = true;
    for (int at = 1; fired; at++) {
      var memory = new MemoryDisk();
      var faulty = new FaultyDisk(memory, new SplittableRandom(at));
      var here = new TestStores(1);
      Store store = here.open(faulty);
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e/$meta");
      entry.write(record(1, "old", "key", "k"));
      faulty.arm(
          Fault.at(at, Fault.Kind.FAIL).among(Set.of(DiskOperation.APPEND, DiskOperation.CREATE)));
      boolean done = true;
      try {
        entry.write(record(2, "new", "key", "k"));
      } catch (PannierException failed) {
        done = false;
      }
      fired = faulty.fired();
      faulty.heal();
      try (Store found = new TestStores(2).open(memory.kill())) {
        List<String> left = texts(found.bucket("b").entry("e/$meta"));
        assertThat(left).hasSize(1).isSubsetOf("old", "new");
        if (done) {
          assertThat(left).containsExactly("new");
        }
      }
    }
  }

  @Test
  @DisplayName("16: each record of a batch removal has its own answer")
  void eachRemovalHasItsOwnAnswer() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", blocksOf(2)).entryForWrite("e");
      fill(entry, 0, 5);
      var errors = new PannierException[4];
      entry.removeAll(new long[] {1, 77, 3, 1}, errors);
      assertThat(errors[0]).isNull();
      assertThat(errors[1])
          .isInstanceOf(PannierException.NotFound.class)
          .hasMessageContaining("77");
      assertThat(errors[2]).isNull();
      assertThat(errors[3]).isInstanceOf(PannierException.NotFound.class);
      assertThat(texts(entry)).containsExactly("r0", "r2", "r4");
    }
  }

  // ---------------------------------------------------------------- costs

  /**
   * A bucket with a quota and many closed blocks, whose next records go to a block of usual size.
   */
  private Bucket bucketOfBlocks(Store store, String name, int blocks) {
    Bucket bucket = store.createBucket(name, settings(QuotaType.FIFO, 1L << 40, 1));
    Entry entry = bucket.entryForWrite("e");
    for (int i = 0; i < blocks; i++) {
      entry.write(record(i, "r"));
      stores.scheduler.runDue();
    }
    settle();
    assertThat(entry.info().blockCount()).isEqualTo(blocks);
    bucket.changeSettings(settings(QuotaType.FIFO, 1L << 40, 1024));
    entry.write(record(blocks, "first of its block"));
    entry.write(record(blocks + 1, "second"));
    settle();
    return bucket;
  }

  @Test
  @DisplayName(
      "18: a write into a bucket of 10 000 blocks costs one append and allocates what it does in one of 10")
  void theCostOfAWriteDoesNotGrowWithTheBucket() {
    try (Store store = stores.open(counting)) {
      Entry small = bucketOfBlocks(store, "small", 10).entry("e");
      Entry large = bucketOfBlocks(store, "large", 10_000).entry("e");
      var time = new AtomicInteger(100_000);
      for (Entry entry : List.of(small, large)) {
        entry.write(record(time.incrementAndGet(), "opens the file"));
        NewRecord record = record(time.incrementAndGet(), "body");
        Counts before = counting.counts();
        assertThat(entry.tryWrite(record)).isTrue();
        assertThat(counting.since(before)).hasToString("append 1 (88 B)");
      }
      long few = allocatedBy(() -> small.tryWrite(record(time.incrementAndGet(), "body")));
      long many = allocatedBy(() -> large.tryWrite(record(time.incrementAndGet(), "body")));
      assertThat(many).isLessThan(few + 512);
      assertThat(many).isLessThan(4_096);
    }
  }

  @Test
  @DisplayName(
      "19: sealing a block writes its footer and a few journal frames, however many blocks there are")
  void theCostOfSealingDoesNotGrowWithTheBucket() {
    var costs = new ArrayList<Long>();
    try (Store store = stores.open(counting)) {
      for (int blocks : new int[] {10, 3_000}) {
        Bucket bucket = bucketOfBlocks(store, "b" + blocks, blocks);
        Entry entry = bucket.entry("e");
        bucket.changeSettings(settings(QuotaType.FIFO, 1L << 40, 3));
        settle();
        Counts before = counting.counts();
        entry.write(record(1_000_000, "third"));
        entry.write(record(1_000_001, "begins the next block"));
        settle();
        Counts cost = counting.since(before);
        assertThat(cost.of(DiskOperation.RENAME)).isZero();
        assertThat(cost.of(DiskOperation.READ)).isZero();
        costs.add(cost.appendedBytes());
      }
    }
    // Two records, a footer of three rows, a file header, three states of blocks in both copies of
    // the journal.
    assertThat(costs.getFirst()).isLessThan(2_000);
    assertThat(costs.getLast()).isEqualTo(costs.getFirst());
  }

  @Test
  @DisplayName("20: removing one of 1024 records appends one change and touches no block")
  void aRemovalIsOneAppend() throws IOException {
    try (Store store = stores.open(counting)) {
      Entry entry = store.createBucket("b", blocksOf(1024)).entryForWrite("e");
      fill(entry, 0, 1030);
      settle();
      entry.remove(5);
      settle();
      entry.remove(6);
      String path = "b/1/1/1.blk";
      long size = bytesOf(disk, List.of(path));
      Counts before = counting.counts();
      entry.remove(7);
      assertThat(counting.since(before)).hasToString("append 1 (72 B)");
      settle();
      assertThat(bytesOf(disk, List.of(path))).isEqualTo(size);
      assertThat(entry.info().recordCount()).isEqualTo(1027);
    }
  }

  @Test
  @DisplayName("20: reading one record reads its frame, once")
  void aReadIsOneRead() {
    try (Store store = stores.open(counting)) {
      Entry entry = store.createBucket("b", blocksOf(1024)).entryForWrite("e");
      for (int i = 0; i < 1030; i++) {
        entry.write(record(i, "x".repeat(10_000)));
      }
      settle();
      text(entry.find(500)); // opens the file
      Counts before = counting.counts();
      text(entry.find(600));
      Counts cost = counting.since(before);
      assertThat(cost.of(DiskOperation.READ)).isEqualTo(1);
      assertThat(cost.readBytes()).isEqualTo(Frames.length(0, 10_000));
      assertThat(cost.calls()).hasSize(1);
    }
  }

  @Test
  @DisplayName("21: a query over overlapping blocks reads no bodies and holds what it returns")
  void aScanIsBounded() {
    try (Store store = stores.open(counting)) {
      Entry entry = store.createBucket("b", blocksOf(512)).entryForWrite("e");
      int records = 8_192;
      for (int i = 0; i < records; i++) {
        // Each block spans the whole range of times.
        entry.write(record((i % 512) * 16L + i / 512, "x".repeat(100)));
        if (i % 256 == 0) {
          stores.scheduler.runDue();
        }
      }
      settle();
      entry.scan(TimeRange.all(), 10);
      Counts before = counting.counts();
      assertThat(entry.scan(TimeRange.all(), 10)).hasSize(10);
      assertThat(entry.scan(TimeRange.all(), records)).hasSize(records);
      assertThat(counting.since(before).readBytes()).isZero();
      long few = allocatedBy(() -> entry.scan(TimeRange.all(), 10));
      assertThat(few).isLessThan(32_768);
      long later = allocatedBy(() -> entry.scan(TimeRange.from(4_000), 100));
      assertThat(later).isLessThan(65_536);
    }
  }

  @Test
  @DisplayName("22: who waits for records is called when they are committed")
  void commitsAreTold() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("e");
      var told = new ArrayList<String>();
      try (Bucket.Registration listening =
          bucket.onCommit(
              committed -> told.add(committed.name() + committed.latest().timestamp()))) {
        assertThat(listening).isNotNull();
        entry.write(record(1, "r"));
        entry.tryWrite(record(2, "r"));
        assertThat(
                entry.tryWriteAll(List.of(record(3, "r"), record(4, "r")), new PannierException[2]))
            .isTrue();
        try (Upload upload = entry.beginUpload(5, "", Labels.EMPTY, 1)) {
          upload.write(ByteBuffer.allocate(1));
          upload.commit();
        }
        assertThat(told).containsExactly("e1", "e2", "e4", "e5");
      }
      entry.write(record(6, "r"));
      assertThat(told).hasSize(4);
    }
  }

  @Test
  @DisplayName("24: one sync round covers every dirty entry")
  void oneRoundCoversAll() {
    Store store = stores.open(counting);
    Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
    for (int i = 0; i < 300; i++) {
      bucket.entryForWrite("e" + i).write(record(1, "r"));
    }
    Counts before = counting.counts();
    stores.scheduler.advanceMillis(TestStores.small().syncDelayMillis());
    Counts cost = counting.since(before);
    assertThat(cost.of(DiskOperation.SYNC_ALL)).isEqualTo(1);
    assertThat(cost.of(DiskOperation.SYNC)).isZero();
    try (Store found =
        new TestStores(2).open(disk.crash(new SplittableRandom(1), CrashMode.DROP))) {
      for (int i = 0; i < 300; i++) {
        assertThat(found.bucket("b").entry("e" + i).info().recordCount()).isEqualTo(1);
      }
    }
  }

  // ---------------------------------------------------------------- limits and resources

  @Test
  @DisplayName("26: a new block takes the bytes that are written, no more")
  void nothingIsPreallocated() {
    try (Store store = stores.open(counting)) {
      Counts before = counting.counts();
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      bucket.entryForWrite("e").write(record(1, "body"));
      settle();
      List<String> blocks =
          files(disk, "b").stream().filter(path -> path.endsWith(".blk")).toList();
      assertThat(bytesOf(disk, blocks))
          .isEqualTo(FileHeader.BYTES + Frames.length(0, 4))
          .isEqualTo(bucket.diskBytes());
      assertThat(bytesOf(disk, files(disk, "b"))).isLessThan(2_000);
      assertThat(counting.since(before).of(DiskOperation.ALLOCATE)).isZero();
    }
  }

  @Test
  @DisplayName("27: 1000 entries that are written and read keep no more files open than allowed")
  void openFilesAreBounded() {
    Limits limits = TestStores.small();
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(2));
      int journals = 4;
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1_000; i++) {
          Entry entry = bucket.entryForWrite("e" + i);
          entry.write(record(round, "r" + round));
          if (round > 0) {
            assertThat(text(entry.find(0))).isEqualTo("r0");
          }
          assertThat(disk.openHandles()).isLessThanOrEqualTo(limits.openFiles() + journals);
        }
        settle();
      }
      assertThat(disk.openHandles()).isLessThanOrEqualTo(limits.openFiles() + journals);
    }
    assertThat(disk.openHandles()).isZero();
    assertThat(stores.events).isEmpty();
  }

  @Test
  @DisplayName("28: nothing of a removed entry or bucket is left on the device")
  void removalLeavesNoFile() throws IOException {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(2));
      Entry entry = bucket.entryForWrite("e/f");
      fill(entry, 0, 20);
      settle();
      entry.remove(3);
      entry.updateLabels(5, Labels.of("a", "b"));
      entry.remove(19);
      bucket.removeEntry("e");
      settle();
      assertThat(files(disk, "b/1")).allMatch(path -> path.contains("journal"));
      assertThat(disk.list("b/1")).hasSize(2);
      assertThat(bucket.diskBytes()).isZero();
      store.removeBucket("b");
      settle();
      assertThat(disk.list("b")).isEmpty();
    }
  }

  @Test
  @DisplayName("28: a removed record takes its room with it")
  void removedRecordsLeaveNoFile() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(5));
      Entry entry = bucket.entryForWrite("e");
      fill(entry, 0, 21);
      settle();
      assertThat(entry.removeRange(TimeRange.of(0, 20))).isEqualTo(20);
      settle();
      assertThat(files(disk, "b").stream().filter(path -> !path.contains("journal")))
          .containsExactly(block(disk, "b"));
      assertThat(texts(entry)).containsExactly("r20");
    }
  }

  @Test
  @DisplayName("29: one bucket that cannot be read does not stop the others")
  void aDamagedBucketStopsNoOther() throws IOException {
    try (Store store = stores.open(disk)) {
      for (String name : List.of("damaged", "missing", "well")) {
        store.createBucket(name, BucketSettings.DEFAULT).entryForWrite("e").write(record(1, name));
      }
    }
    MemoryDisk after = disk.kill();
    for (String copy : List.of("a", "b")) {
      for (int at = 0; at < 150; at++) {
        after.flip("b/1/journal-1." + copy, at, 0x55);
      }
      after.delete("b/2/journal-1." + copy);
    }
    var again = new TestStores(2);
    try (Store found = again.open(after)) {
      assertThat(text(found.bucket("well").entry("e").find(1))).isEqualTo("well");
      found.bucket("well").entry("e").write(record(2, "more"));
      for (String name : List.of("damaged", "missing")) {
        assertThatThrownBy(() -> found.bucket(name).entries())
            .isInstanceOf(PannierException.Damaged.class);
      }
      assertThat(again.events).anyMatch(event -> event.contains("damaged"));
    }
    try (Store found = new TestStores(3).open(after.kill())) {
      assertThat(texts(found.bucket("well").entry("e"))).containsExactly("well", "more");
      assertThatThrownBy(() -> found.bucket("damaged").entries())
          .isInstanceOf(PannierException.Damaged.class);
    }
  }

  @Test
  @DisplayName("48: oldest and newest record are those that are there")
  void oldestAndNewestAreTrue() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", blocksOf(4));
      Entry entry = bucket.entryForWrite("e");
      var there = new java.util.TreeSet<Long>();
      var random = new SplittableRandom(3);
      for (int i = 0; i < 600; i++) {
        long time = random.nextLong(1, 120);
        if (there.contains(time)) {
          entry.remove(
              random.nextBoolean() ? time : random.nextBoolean() ? there.first() : there.last());
          there.clear();
          entry.scan(TimeRange.all(), 1000).forEach(record -> there.add(record.timestamp()));
        } else {
          entry.write(record(time, "r"));
          there.add(time);
        }
        if (random.nextInt(4) == 0) {
          stores.scheduler.advanceMillis(random.nextInt(3_000));
        }
        EntryInfo info = entry.info();
        assertThat(info.recordCount()).isEqualTo(there.size());
        assertThat(info.oldestRecord()).isEqualTo(there.isEmpty() ? 0 : there.first());
        assertThat(info.latestRecord()).isEqualTo(there.isEmpty() ? 0 : there.last());
        assertThat(bucket.info().oldestRecord()).isEqualTo(info.oldestRecord());
      }
    }
    assertThat(stores.events).isEmpty();
  }
}
