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

  private static void importAll(int count, int batch) {
    long[] times = shuffled(count);
    TestStores stores = new TestStores(1).limits(Limits.forHandles(1_024));
    long began = System.nanoTime();
    try (Store store = stores.open(new MemoryDisk())) {
      Entry entry =
          store
              .createBucket("b", new BucketSettings(QuotaType.NONE, 0, 64_000_000, BLOCK, null))
              .entryForWrite("e");
      for (int i = 0; i < count; i += batch) {
        var records = new ArrayList<NewRecord>();
        for (int j = i; j < Math.min(count, i + batch); j++) {
          records.add(record(times[j]));
        }
        write(entry, records, null);
        stores.scheduler.advanceMillis(1);
      }
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      stores.scheduler.advanceMillis(20_000);
      EntryInfo info = entry.info();
      System.out.printf(
          "%,d records in random order, %d at once: %,d ms, %,d blocks%n",
          count, batch, millis, info.blockCount());
      assertThat(info.recordCount()).isEqualTo(count);
      assertThat(info.oldestRecord()).isZero();
      assertThat(info.latestRecord()).isEqualTo((count - 1) * 10L);
      assertThat(info.blockCount()).isLessThanOrEqualTo(2L * Math.ceilDiv(count, BLOCK));
      for (int i = 0; i < count; i += Math.max(1, count / 500)) {
        write(entry, List.of(record(times[i])), PannierException.Conflict.class);
      }
      assertThat(entry.info()).isEqualTo(info);
      long expected = 0;
      for (TimeRange rest = TimeRange.all(); ; rest = TimeRange.from(expected)) {
        List<StoredRecord> some = entry.scan(rest, 10_000);
        for (StoredRecord record : some) {
          assertThat(record.timestamp()).isEqualTo(expected);
          expected += 10;
        }
        if (some.size() < 10_000) {
          break;
        }
      }
      assertThat(expected).isEqualTo(count * 10L);
    }
    assertThat(stores.events).isEmpty();
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
    importAll(20_000, 80);
    importAll(20_000, 1);
  }

  @Test
  @Tag("slow")
  void aLongImportInRandomOrderNeedsAtMostTwiceTheBlocks() {
    importAll(1_000_000, 80);
  }
}
