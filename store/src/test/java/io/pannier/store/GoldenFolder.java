package io.pannier.store;

import static io.pannier.store.TestStores.record;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Makes the golden folder of this format version: a data folder with every structure there is, and
 * the list of what is in it. Both are checked in and never made again: a later version must read
 * what this one wrote. A new format version gets a folder of its own beside it.
 *
 * <p>{@code java -cp ... io.pannier.store.GoldenFolder store/src/test/resources/golden}
 */
final class GoldenFolder {
  private GoldenFolder() {}

  public static void main(String[] arguments) throws IOException {
    Path target = Path.of(arguments[0]);
    MemoryDisk disk = make();
    Files.createDirectories(target);
    try (OutputStream out = Files.newOutputStream(target.resolve("format-1.zip"));
        var zip = new ZipOutputStream(out)) {
      zip.setLevel(9);
      add(zip, disk, "");
    }
    try (Store store = new TestStores(9).open(disk.kill())) {
      Files.writeString(target.resolve("format-1.txt"), listing(store));
    }
  }

  private static void add(ZipOutputStream zip, Disk disk, String folder) throws IOException {
    for (String name : disk.list(folder).stream().sorted().toList()) {
      String path = folder.isEmpty() ? name : folder + "/" + name;
      if (name.startsWith("LOCK") || name.equals("ballast")) {
        continue;
      }
      if (path.matches("b(/\\d+)*")) {
        zip.putNextEntry(entry(path + "/"));
        add(zip, disk, path);
        continue;
      }
      zip.putNextEntry(entry(path));
      try (DiskFile file = disk.open(path)) {
        var bytes = ByteBuffer.allocate((int) file.size());
        file.read(bytes, 0);
        zip.write(bytes.array());
      }
    }
  }

  private static ZipEntry entry(String name) {
    var entry = new ZipEntry(name);
    entry.setTime(0);
    return entry;
  }

  /** A stopped store; two starts and a loss of power lie behind it. */
  private static MemoryDisk make() throws IOException {
    var disk = new MemoryDisk();
    var first = new TestStores(1);
    try (Store store = first.open(disk)) {
      fill(store, first);
    }
    for (int seed = 0; seed < 1_000; seed++) {
      MemoryDisk started = disk.kill();
      var second = new TestStores(2, first.clock);
      Store store = second.open(started);
      Entry entry = store.bucket("plain").entryForWrite("power-cut");
      entry.write(record(1, "synced"));
      second.scheduler.advanceMillis(20_000);
      for (int i = 0; i < 20; i++) {
        entry.write(record(100 + i, ("unsynced " + i + " ").repeat(50)));
      }
      MemoryDisk cut = started.crash(new SplittableRandom(seed), CrashMode.REORDER);
      var third = new TestStores(3, first.clock);
      Store after = third.open(cut);
      third.scheduler.advanceMillis(20_000);
      after.close();
      MemoryDisk stopped = cut.kill();
      if (Verifier.run(stopped.anotherProcess(), Verifier.Progress.NONE)
              .count(Verification.Kind.PAST_LOSS)
          > 0) {
        return stopped.kill();
      }
    }
    throw new IllegalStateException("no loss of power left a hole");
  }

  private static void fill(Store store, TestStores here) {
    Bucket plain =
        store.createBucket("plain", new BucketSettings(QuotaType.NONE, 0, 64_000_000, 8, null));
    Entry sensors = plain.entryForWrite("robot/sensors");
    String[] types = {"true", "-17", "3.25", "text", "NaN", "äöü \uD83E\uDD16"};
    for (int i = 0; i < 40; i++) {
      sensors.write(
          record(1_000 + 10 * i, "value " + i, "n", "" + i, "any", types[i % types.length]));
      here.scheduler.runDue();
    }
    here.scheduler.advanceMillis(20_000);
    for (long belated : new long[] {5, 3, 1_005, 4}) {
      sensors.write(record(belated, "belated " + belated));
    }
    sensors.remove(1_010);
    sensors.updateLabels(1_020, Labels.of("any", "", "added", "later"));
    sensors.updateLabels(1_020, Labels.of("added", "later still"));
    sensors.updateLabels(1_390, Labels.of("in", "an open block"));
    sensors.remove(4);
    Entry disordered = plain.entryForWrite("disordered");
    for (long time : new long[] {50, 20, 40, 10, 30, 60, 0, 70, 65}) {
      disordered.write(record(time, "t" + time));
      here.scheduler.runDue();
    }
    Entry ends = plain.entryForWrite("ends-of-time");
    for (long time : new long[] {0, 1, Long.MAX_VALUE, Long.MIN_VALUE, Timestamp.MAX}) {
      ends.write(
          new NewRecord(time, "text/plain; charset=utf-8", Labels.EMPTY, ByteBuffer.allocate(0)));
    }
    Entry large = plain.entryForWrite("large");
    try (Upload upload = large.beginUpload(7, "image/png", Labels.of("camera", "left"), 200_001)) {
      var body = ByteBuffer.allocate(200_001);
      body.put(100_000, (byte) 1);
      upload.write(body);
      upload.commit();
    }
    Entry rewritten = plain.entryForWrite("rewritten");
    for (int i = 0; i < 9; i++) {
      rewritten.write(record(i, "x".repeat(100) + i, "i", "" + i));
      here.scheduler.runDue();
    }
    here.scheduler.advanceMillis(20_000);
    for (int i = 0; i < 6; i++) {
      rewritten.remove(i);
    }
    Entry attached = plain.entryForWrite("robot/sensors/$meta");
    attached.write(record(1, "old schema", "key", "schema"));
    attached.write(record(2, "new schema", "key", "schema"));
    attached.write(record(3, "other", "key", "other"));
    plain.renameEntry("robot", "machine");
    plain.entryForWrite("removed").write(record(1, "gone"));
    here.scheduler.advanceMillis(20_000);
    plain.removeEntry("removed");
    var fifo = new BucketSettings(QuotaType.FIFO, 20_000, 4_000, 1_024, Ack.DISK);
    Entry ring = store.createBucket("ring", fifo).entryForWrite("e");
    for (int i = 0; i < 60; i++) {
      ring.write(record(i, "r".repeat(900) + i));
      here.scheduler.runDue();
    }
    store.createBucket(
        "hard", new BucketSettings(QuotaType.HARD, 1_000, 64_000_000, 1_024, Ack.BUFFERED));
    store.bucket("hard").entryForWrite("e").write(record(1, "within"));
    store.createBucket("old-name", BucketSettings.DEFAULT);
    store.renameBucket("old-name", "new-name");
    store.createBucket("gone", BucketSettings.DEFAULT).entryForWrite("e").write(record(1, "gone"));
    store.removeBucket("gone");
    here.scheduler.advanceMillis(20_000);
  }

  /** Everything that a client can see of a store, as text. */
  static String listing(Store store) {
    var lines = new ArrayList<String>();
    for (Bucket bucket : store.buckets()) {
      lines.add("bucket " + bucket.name() + " " + bucket.settings());
      for (Entry entry : bucket.entries()) {
        List<StoredRecord> records = entry.scan(TimeRange.all(), 100_000);
        EntryInfo info = entry.info();
        lines.add(
            "  entry "
                + entry.name()
                + " records="
                + info.recordCount()
                + " size="
                + info.size()
                + " oldest="
                + Timestamp.toString(info.oldestRecord())
                + " latest="
                + Timestamp.toString(info.latestRecord()));
        for (StoredRecord record : records) {
          lines.add("    " + line(record));
        }
      }
    }
    return String.join("\n", lines) + "\n";
  }

  private static String line(StoredRecord record) {
    var crc = new CRC32C();
    crc.update(TestStores.bytes(record));
    return Timestamp.toString(record.timestamp())
        + " "
        + record.length()
        + " bytes, crc "
        + Long.toHexString(crc.getValue())
        + ", "
        + record.contentType()
        + ", "
        + record.labels();
  }
}
