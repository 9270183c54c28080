package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Records that come in any order at all, as from an import: the number of blocks stays near what
 * order would give, and no duplicate gets in.
 */
class BelatedTest {
  private static final int BLOCK = 1_000;

  private static long[] shuffled(int count) {
    var times = new long[count];
    for (int i = 0; i < count; i++) {
      times[i] = i * 10L;
    }
    var random = new SplittableRandom(count);
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      long swapped = times[i];
      times[i] = times[j];
      times[j] = swapped;
    }
    return times;
  }

  private static NewRecord record(long time) {
    return new NewRecord(time, "", Labels.EMPTY, ByteBuffer.allocate(8).putLong(0, time));
  }

  /** What the records of these tests take in a file. */
  private static final int FRAME = 96;

  /** Imports records into blocks of a thousand, by number or by size. */
  private static void importAll(int count, int batch, boolean bySize) {
    long[] times = shuffled(count);
    TestStores stores = new TestStores(1).limits(Limits.forHandles(1_024));
    long began = System.nanoTime();
    try (Store store = stores.open(new MemoryDisk())) {
      var settings =
          bySize
              ? new BucketSettings(QuotaType.NONE, 0, BLOCK * FRAME, 1 << 20, null)
              : new BucketSettings(QuotaType.NONE, 0, 64_000_000, BLOCK, null);
      Entry entry = store.createBucket("b", settings).entryForWrite("e");
      for (int i = 0; i < count; i += batch) {
        var records = new ArrayList<NewRecord>();
        for (int j = i; j < Math.min(count, i + batch); j++) {
          records.add(record(times[j]));
        }
        write(entry, records, null);
        stores.scheduler.advanceMillis(1);
      }
      stores.scheduler.advanceMillis(20_000);
      EntryInfo info = entry.info();
      assertThat(info.recordCount()).isEqualTo(count);
      assertThat(info.oldestRecord()).isZero();
      assertThat(info.latestRecord()).isEqualTo((count - 1) * 10L);
      assertThat(info.blockCount()).isLessThanOrEqualTo(2L * Math.ceilDiv(count, BLOCK));
      long imported = System.nanoTime();
      for (int i = 0; i < count; i += Math.max(1, count / 500)) {
        write(entry, List.of(record(times[i])), PannierException.Conflict.class);
        assertThat(entry.find(times[i]).timestamp()).isEqualTo(times[i]);
      }
      assertThat(entry.info()).isEqualTo(info);
      long looked = System.nanoTime();
      assertThat(readInTimeOrder(entry)).isEqualTo(count);
      long read = System.nanoTime();
      System.out.printf(
          "%,d records in random order, %d at once, in %,d blocks: %,d ms, looked up %,d ms, read %,d ms%n",
          count,
          batch,
          info.blockCount(),
          TimeUnit.NANOSECONDS.toMillis(imported - began),
          TimeUnit.NANOSECONDS.toMillis(looked - imported),
          TimeUnit.NANOSECONDS.toMillis(read - looked));
    }
    assertThat(stores.events).isEmpty();
  }

  /** Reads everything as a query does, some at a time. Returns how many records came. */
  private static long readInTimeOrder(Entry entry) {
    long expected = 0;
    for (TimeRange rest = TimeRange.all(); ; rest = TimeRange.from(expected)) {
      List<StoredRecord> some = entry.scan(rest, 1_000);
      for (StoredRecord record : some) {
        if (record.timestamp() != expected) {
          throw new AssertionError(record + " comes where " + expected + " should");
        }
        expected += 10;
      }
      if (some.size() < 1_000) {
        return expected / 10;
      }
    }
  }

  private static void write(Entry entry, List<NewRecord> records, Class<?> refusal) {
    var errors = new PannierException[records.size()];
    entry.writeAll(records, errors);
    if (refusal == null) {
      assertThat(errors).containsOnlyNulls();
    } else {
      assertThat(errors).hasOnlyElementsOfType(refusal);
    }
  }

  @Test
  void aRandomOrderNeedsAtMostTwiceTheBlocks() {
    importAll(50_000, 80, false);
    importAll(20_000, 1, false);
    importAll(50_000, 80, true);
  }

  @Test
  @Tag("slow")
  void aLongImportInRandomOrderNeedsAtMostTwiceTheBlocks() {
    importAll(1_000_000, 80, false);
    importAll(1_000_000, 80, true);
  }
}
