package io.pannier.server.metrics;

import io.pannier.server.events.Usage;
import io.pannier.store.Bucket;
import io.pannier.store.BucketStats;
import io.pannier.store.StoreStats;
import java.util.Locale;
import java.util.Map;

/** The store and its buckets. */
final class StoreMetrics {
  /** Label of the sum over kinds: it is there from the start, so that its first step is seen. */
  private static final String ALL = "all";

  private StoreMetrics() {}

  static void add(Families to, Sources from) {
    for (Bucket bucket : from.store().buckets()) {
      add(to, bucket.stats(), from.events().usage().traffic(bucket));
    }
    StoreStats stats = from.store().stats();
    to.add(Metric.STORED_RECORDS, stats.storedRecords());
    to.add(Metric.STORED_BYTES, stats.storedBytes());
    to.add(Metric.STORE_SIZE, stats.chargedBytes());
    to.addLimit(Metric.STORE_SIZE_MAX, stats.capBytes());
    to.add(Metric.DEVICE_KEPT_FREE, stats.keptFreeBytes());
    to.add(Metric.SCHEDULER_WAITING, stats.waitingRounds(), "sync");
    to.add(Metric.SCHEDULER_WAITING, stats.waitingTasks(), "background");
    add(to, stats.device());
    add(to, stats.sync());
    add(to, stats.indexes());
    add(to, stats.files());
    add(to, stats.rewrites());
    add(to, Metric.DAMAGE, stats.damage());
    add(to, Metric.LOSSES, stats.losses());
    to.add(Metric.STORE_FAILURES, stats.failures());
    to.add(Metric.BALLAST_RELEASED, stats.ballastReleases());
    to.add(Metric.BALLAST, stats.hasBallast() ? 1 : 0);
  }

  private static void add(Families to, BucketStats of, Usage.Traffic traffic) {
    String name = of.name();
    to.add(Metric.BUCKET_SIZE, of.size(), name);
    to.add(Metric.BUCKET_DISK, of.diskBytes(), name);
    to.add(
        Metric.BUCKET_QUOTA,
        unsigned(of.quotaBytes()),
        name,
        of.quotaType().name().toLowerCase(Locale.ROOT));
    to.add(Metric.BUCKET_RECORDS, of.records(), name);
    to.add(Metric.BUCKET_BLOCKS, of.blocks(), name);
    to.add(Metric.BUCKET_ENTRIES, of.entries(), name);
    to.add(Metric.BUCKET_WRITTEN, traffic.writtenRecords(), name);
    to.add(Metric.BUCKET_WRITTEN_BYTES, traffic.writtenBytes(), name);
    to.add(Metric.BUCKET_READ, traffic.readRecords(), name);
    to.add(Metric.BUCKET_READ_BYTES, traffic.readBytes(), name);
    to.add(Metric.BUCKET_REMOVED, of.removedRecords(), name);
    to.add(Metric.BUCKET_EVICTED, of.evictedRecords(), name);
    to.add(Metric.BUCKET_EVICTED_BLOCKS, of.evictedBlocks(), name);
    to.add(Metric.BUCKET_EVICTED_BYTES, of.evictedBytes(), name);
    to.add(Metric.BUCKET_AHEAD, of.aheadRecords(), name);
  }

  /** A quota may be any number of 64 bits. */
  private static double unsigned(long value) {
    return value >= 0 ? (double) value : 0x1p64 + (double) value;
  }

  private static void add(Families to, StoreStats.Device device) {
    to.add(Metric.DEVICE_WRITTEN, device.writtenBytes());
    to.add(Metric.DEVICE_READ, device.readBytes());
    if (device.usableBytes() >= 0) {
      to.add(Metric.DEVICE_FREE, device.usableBytes());
    }
  }

  private static void add(Families to, StoreStats.Sync sync) {
    to.add(Metric.UNSYNCED, sync.unsyncedBytes());
    to.add(Metric.UNSYNCED_MAX, sync.unsyncedBytesMax());
    to.add(Metric.UNSYNCED_AGE, sync.oldestUnsyncedMicros() / 1e6);
    to.add(Metric.WRITERS_THROTTLED, sync.throttled() ? 1 : 0);
    to.add(Metric.SYNC_DURATION, sync.durations());
    to.add(Metric.SYNC_FAILED, sync.failed());
  }

  private static void add(Families to, StoreStats.Indexes indexes) {
    to.add(Metric.INDEX_HITS, indexes.hits());
    to.add(Metric.INDEX_MISSES, indexes.misses());
    to.add(Metric.INDEX_BYTES, indexes.bytes());
    to.add(Metric.INDEX_BYTES_MAX, indexes.bytesMax());
  }

  private static void add(Families to, StoreStats.Files files) {
    to.add(Metric.FILE_HITS, Math.max(0, files.uses() - files.opens()));
    to.add(Metric.FILE_MISSES, files.opens());
    to.add(Metric.FILES_OPEN, files.open());
    to.add(Metric.FILES_MAX, files.openMax());
  }

  private static void add(Families to, StoreStats.Rewrites rewrites) {
    to.add(Metric.REWRITES, rewrites.reclaimed(), "reclaim");
    to.add(Metric.REWRITES, rewrites.compressed(), "compress");
    to.add(Metric.REWRITES, rewrites.salvaged(), "salvage");
    to.add(Metric.REWRITTEN_BEFORE, rewrites.bytesBefore());
    to.add(Metric.REWRITTEN_AFTER, rewrites.bytesAfter());
  }

  private static void add(Families to, Metric metric, Map<String, Long> byKind) {
    long all = 0;
    for (var kind : byKind.entrySet()) {
      to.add(metric, kind.getValue(), kind.getKey().replace(' ', '_'));
      all += kind.getValue();
    }
    to.add(metric, all, ALL);
  }
}
