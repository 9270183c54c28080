package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static io.pannier.store.TestStores.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.Counts;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Uploads, of which the long ones go past the page cache. */
class UploadTest {
  private static final int PAGE = DiskFile.DIRECT_ALIGNMENT;
  private static final int BUFFER = 4 * PAGE;
  private static final Limits LIMITS =
      TestStores.small().withDirect(new Limits.Direct(2, BUFFER, PAGE));

  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(1).limits(LIMITS);
  private final SplittableRandom random = new SplittableRandom(1);

  @TempDir private Path folder;

  private byte[] noise(int length) {
    var bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private Upload begun(Entry entry, long time, Labels labels, byte[] body) {
    Upload upload = entry.beginUpload(time, "", labels, body.length);
    write(upload, body);
    return upload;
  }

  private void write(Upload upload, byte[] body) {
    for (int at = 0; at < body.length; ) {
      int piece = Math.min(body.length - at, 1 + random.nextInt(3 * PAGE));
      upload.write(ByteBuffer.wrap(body, at, piece));
      at += piece;
    }
  }

  private void upload(Entry entry, long time, Labels labels, byte[] body) {
    try (Upload upload = entry.beginUpload(time, "", labels, body.length)) {
      write(upload, body);
      upload.commit();
    }
  }

  private static byte[] body(Entry entry, long time) {
    try (RecordBody body = entry.find(time).open()) {
      var bytes = new byte[(int) body.length()];
      for (int at = 0; at < bytes.length; ) {
        ByteBuffer target = ByteBuffer.allocateDirect(RecordBody.CHUNK);
        body.read(at, target);
        target.flip();
        int count = target.remaining();
        target.get(bytes, at, count);
        at += count;
      }
      return bytes;
    }
  }

  private static Labels labelsOf(int bytes) {
    return bytes == 0 ? Labels.EMPTY : Labels.of("l", "x".repeat(bytes));
  }

  private static void checkVerifies(Disk stopped) {
    try {
      Verification found = Verifier.run(stopped, Verifier.Progress.NONE);
      assertThat(found.isClean()).as("%s", found).isTrue();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Lengths around pages, buffers and chunks; labels that shift where the body begins. */
  private void checkBorders(Store store) {
    Entry entry =
        store
            .createBucket("b", new BucketSettings(QuotaType.NONE, 0, 1 << 20, 1000, null))
            .entryForWrite("e");
    var lengths = new ArrayList<Integer>();
    for (int border : new int[] {PAGE, 2 * PAGE, BUFFER, 2 * BUFFER, RecordBody.CHUNK}) {
      for (int off : new int[] {-200, -49, -48, -1, 0, 1, 7, 50}) {
        lengths.add(border + off);
      }
    }
    var bodies = new ArrayList<byte[]>();
    long time = 0;
    for (int length : lengths) {
      int labels = new int[] {0, 1, 13, 500, PAGE, BUFFER + 3}[(int) time % 6];
      byte[] body = noise(length);
      bodies.add(body);
      upload(entry, 2 * time, labelsOf(labels), body);
      entry.write(record(2 * time + 1, "small " + "x".repeat(random.nextInt(300))));
      assertThat(body(entry, 2 * time)).as("length %d", length).isEqualTo(body);
      time++;
    }
    for (int i = 0; i < bodies.size(); i++) {
      assertThat(body(entry, 2L * i)).isEqualTo(bodies.get(i));
      assertThat(text(entry.find(2L * i + 1))).startsWith("small ");
    }
  }

  @Test
  void uploadsOfEveryLengthLieBetweenSmallRecords() {
    try (Store store = stores.open(disk)) {
      checkBorders(store);
    }
    assertThat(stores.events).isEmpty();
    assertThat(disk.openHandles()).isZero();
    checkVerifies(disk.kill());
  }

  @Test
  void uploadsOfEveryLengthLieBetweenSmallRecordsOfARealFile() throws IOException {
    try (Store store = stores.open(new RealDisk(folder))) {
      checkBorders(store);
    }
    assertThat(stores.events).isEmpty();
    try (var looking = RealDisk.forReading(folder)) {
      checkVerifies(looking);
    }
  }

  @Test
  void onlyTheEndsOfALongUploadGoThroughTheCache() {
    var counting = new CountingDisk(disk);
    try (Store store = stores.open(counting)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      entry.write(record(1, "x"));
      Counts before = counting.counts();
      upload(entry, 2, Labels.EMPTY, noise(3 * BUFFER));
      assertThat(counting.since(before))
          .hasToString("append 2 (" + frame(3 * BUFFER) + " B), appendDirect 3, usableBytes 1");
      before = counting.counts();
      upload(entry, 3, Labels.EMPTY, noise(PAGE - 1));
      assertThat(counting.since(before).of(DiskOperation.APPEND_DIRECT)).isZero();
    }
  }

  private static long frame(int length) {
    return Frames.length(Meta.encode("", Labels.EMPTY).length, length);
  }

  @Test
  void tailThatNoLongerFitsTheBufferFollowsByItself() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      int before = FileHeader.BYTES + Frames.HEADER + Meta.encode("", Labels.EMPTY).length;
      for (int room = 0; room < 64; room++) {
        Entry entry = bucket.entryForWrite("e" + room);
        byte[] body = noise(BUFFER - before - room);
        upload(entry, 1, Labels.EMPTY, body);
        entry.write(record(2, "after"));
        assertThat(body(entry, 1)).as("room for %d bytes", room).isEqualTo(body);
        assertThat(text(entry.find(2))).isEqualTo("after");
      }
    }
    checkVerifies(disk.kill());
  }

  @Test
  void uploadsThatFindNoBufferGoThroughTheCache() {
    var counting = new CountingDisk(disk);
    try (Store store = stores.open(counting)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      byte[] body = noise(2 * BUFFER);
      var uploads = new ArrayList<Upload>();
      for (int i = 0; i < 3; i++) {
        uploads.add(begun(entry, i, Labels.EMPTY, body));
      }
      assertThat(disk.openHandles()).as("journals, blocks, second handles").isEqualTo(4 + 3 + 2);
      Counts before = counting.counts();
      uploads.get(2).commit();
      assertThat(counting.since(before).of(DiskOperation.APPEND_DIRECT)).isZero();
      uploads.get(0).abort();
      uploads.get(1).commit();
      for (int i = 3; i < 20; i++) {
        before = counting.counts();
        upload(entry, i, Labels.EMPTY, body);
        assertThat(counting.since(before).of(DiskOperation.APPEND_DIRECT)).isPositive();
      }
      assertThat(body(entry, 1)).isEqualTo(body);
      assertThat(body(entry, 2)).isEqualTo(body);
      assertThat(body(entry, 19)).isEqualTo(body);
    }
    checkVerifies(disk.kill());
  }

  @Test
  void turnedOffNothingGoesPastTheCache() {
    var counting = new CountingDisk(disk);
    try (Store store = stores.limits(LIMITS.withDirect(Limits.Direct.OFF)).open(counting)) {
      checkBorders(store);
    }
    assertThat(counting.counts().of(DiskOperation.APPEND_DIRECT)).isZero();
  }

  @Test
  void abortedUploadLeavesTheBlockAsItWas() {
    try (Store store = stores.open(disk)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      entry.write(record(1, "before"));
      for (int length : new int[] {1, 100, PAGE, BUFFER, BUFFER + 1, 3 * BUFFER - 5}) {
        long bytes = entry.bucket().diskBytes();
        try (Upload upload = entry.beginUpload(2, "", Labels.EMPTY, 4 * BUFFER)) {
          upload.write(ByteBuffer.wrap(noise(length)));
        }
        assertThat(entry.bucket().diskBytes()).isEqualTo(bytes);
        entry.write(record(10 + length, "after"));
      }
      byte[] body = noise(2 * BUFFER);
      upload(entry, 2, Labels.EMPTY, body);
      assertThat(body(entry, 2)).isEqualTo(body);
      assertThat(text(entry.find(1))).isEqualTo("before");
    }
    assertThat(stores.events).isEmpty();
    assertThat(disk.openHandles()).isZero();
    checkVerifies(disk.kill());
  }

  @Test
  void fullDeviceInTheMiddleTakesTheUploadBack() {
    for (Fault.Kind kind : new Fault.Kind[] {Fault.Kind.DISK_FULL, Fault.Kind.TEAR}) {
      boolean fired = true;
      for (int at = 1; fired; at++) {
        fired = checkFault(kind, at);
      }
    }
  }

  private boolean checkFault(Fault.Kind kind, int at) {
    var memory = new MemoryDisk();
    var faulty = new FaultyDisk(memory, new SplittableRandom(at));
    boolean fired;
    try (Store store = new TestStores(at).limits(LIMITS).open(faulty)) {
      Entry entry = store.createBucket("b", BucketSettings.DEFAULT).entryForWrite("e");
      entry.write(record(1, "before"));
      long bytes = entry.bucket().diskBytes();
      byte[] body = noise(3 * BUFFER);
      faulty.arm(Fault.at(at, kind).among(DiskOperation.APPENDS));
      try {
        upload(entry, 2, Labels.EMPTY, body);
      } catch (PannierException refused) {
        assertThat(entry.bucket().diskBytes()).isEqualTo(bytes);
      }
      fired = faulty.fired();
      faulty.heal();
      if (fired) {
        assertThatThrownBy(() -> entry.find(2)).isInstanceOf(PannierException.NotFound.class);
        upload(entry, 2, Labels.EMPTY, body);
      }
      entry.write(record(3, "after"));
      assertThat(body(entry, 2)).isEqualTo(body);
    }
    assertThat(memory.openHandles()).isZero();
    checkVerifies(memory.kill());
    return fired;
  }

  @Test
  void ringOnAFullDeviceGivesItsOldestForTheMiddleOfAnUpload() {
    var small = new MemoryDisk(300_000);
    try (Store store = stores.open(small)) {
      Entry entry =
          store
              .createBucket("b", new BucketSettings(QuotaType.FIFO, 10_000_000, 50_000, 10, null))
              .entryForWrite("e");
      byte[] body = noise(2 * BUFFER);
      for (int i = 0; i < 30; i++) {
        upload(entry, i, Labels.EMPTY, body);
        assertThat(body(entry, i)).isEqualTo(body);
        stores.scheduler.advanceMillis(1_000);
      }
      assertThat(entry.info().recordCount()).isLessThan(10);
    }
    checkVerifies(small.kill());
  }

  @Test
  void removedEntryEndsTheUpload() {
    try (Store store = stores.open(disk)) {
      Bucket bucket = store.createBucket("b", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("e");
      byte[] body = noise(3 * BUFFER);
      try (Upload upload = entry.beginUpload(1, "", Labels.EMPTY, body.length)) {
        upload.write(ByteBuffer.wrap(body, 0, 2 * BUFFER));
        bucket.removeEntry("e");
        assertThatExceptionOfType(PannierException.Conflict.class)
            .isThrownBy(() -> upload.write(ByteBuffer.wrap(body, 2 * BUFFER, BUFFER)));
      }
      upload(bucket.entryForWrite("e"), 1, Labels.EMPTY, body);
    }
    assertThat(disk.openHandles()).isZero();
    checkVerifies(disk.kill());
  }
}
