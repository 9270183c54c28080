package io.pannier.store;

import io.pannier.model.Clock;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Backups of stores in tests, and what a store holds as something that can be compared. */
final class Backups {
  private Backups() {}

  static BackupRun.Report run(Store store, Disk target) throws IOException {
    return run(store, target, BackupSelection.ALL);
  }

  static BackupRun.Report run(Store store, Disk target, BackupSelection selection)
      throws IOException {
    try (var folder = BackupFolder.toWrite(target);
        BackupSource source = BackupSource.of(store.snapshot(selection))) {
      return BackupRun.run(folder, source, BackupRun.Progress.NONE);
    }
  }

  static BackupRestore.Report restore(Disk backup, int point, BackupSelection selection, Disk into)
      throws IOException {
    try (var folder = BackupFolder.toRead(backup)) {
      return BackupRestore.run(
          folder,
          point,
          selection,
          into,
          "test",
          new Fixed(),
          new SplittableRandom(99),
          BackupRun.Progress.NONE);
    }
  }

  private static final class Fixed implements Clock {
    @Override
    public long wallMicros() {
      return 1_700_000_000_000_000L;
    }

    @Override
    public long monotonicNanos() {
      return 0;
    }
  }

  /** Every record of every bucket: labels, type, body. */
  static NavigableMap<String, String> content(Store store) {
    var all = new TreeMap<String, String>();
    for (Bucket bucket : store.buckets()) {
      all.putAll(content(bucket, bucket.name()));
    }
    return all;
  }

  static NavigableMap<String, String> content(Bucket bucket, String name) {
    var all = new TreeMap<String, String>();
    for (Entry entry : bucket.entries()) {
      for (StoredRecord record : entry.scan(TimeRange.all(), 1_000_000)) {
        all.put(
            name + "/" + entry.name() + "@" + Long.toUnsignedString(record.timestamp()),
            record.labels() + " " + record.contentType() + " " + TestStores.text(record));
      }
    }
    return all;
  }

  /** What is damaged or superfluous in a data folder; its lock is free again afterwards. */
  static List<String> damage(MemoryDisk disk) throws IOException {
    try (MemoryDisk look = disk.anotherProcess()) {
      return Verifier.run(look, Verifier.Progress.NONE).findings().stream()
          .filter(found -> found.kind() != Verification.Kind.NOTE)
          .map(Verification.Finding::toString)
          .toList();
    }
  }
}
