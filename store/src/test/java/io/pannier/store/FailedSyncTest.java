package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A device that could not write what the kernel took: nothing of that is called durable. */
class FailedSyncTest {
  private static final BucketSettings SETTINGS =
      new BucketSettings(QuotaType.NONE, 0, 64_000_000, 100, null);

  /** A store in which many blocks, or only a few, have unsynced bytes. */
  private static final class Life {
    final TestStores stores = new TestStores(1);
    final Store store;
    final List<Entry> entries = new ArrayList<>();

    Life(Disk disk, int count) {
      // No more handles than the least: most files are closed before the round comes.
      stores.limits(TestStores.small(16));
      store = stores.open(disk);
      Bucket bucket = store.createBucket("b", SETTINGS);
      for (int i = 0; i < count; i++) {
        entries.add(bucket.entryForWrite("e" + i));
        entries.getLast().write(record(1, "first"));
      }
      stores.scheduler.advanceMillis(20_000);
    }

    void write(long time) {
      for (Entry entry : entries) {
        entry.write(record(time, "at " + time));
      }
    }

    boolean isDurable() {
      var answers = new ArrayList<Boolean>();
      store.whenDurable(problem -> answers.add(problem.isEmpty()));
      stores.scheduler.runDue();
      return answers.getFirst();
    }
  }

  private static Set<String> readable(Store store) {
    var found = new TreeSet<String>();
    for (Entry entry : store.bucket("b").entries()) {
      for (StoredRecord record : entry.scan(TimeRange.all(), 100)) {
        try {
          found.add(record + " " + TestStores.text(record));
        } catch (PannierException.Damaged lost) {
          // What a failed sync takes may be gone from memory too.
          assertThat(record.timestamp()).isNotEqualTo(1);
        }
      }
    }
    return found;
  }

  /** What is durable at last is there after a power cut, and all of it was readable before. */
  private static void checkThatItLasts(Life life, MemoryDisk disk, long seed) {
    life.stores.scheduler.advanceMillis(20_000);
    assertThat(life.isDurable()).isTrue();
    Set<String> before = readable(life.store);
    MemoryDisk after = disk.crash(new SplittableRandom(seed), CrashMode.DROP);
    try (Store again = new TestStores(2).open(after)) {
      assertThat(readable(again)).isEqualTo(before);
    }
  }

  @Test
  void afterAFailedSyncOfTheFileSystemNoFileIsBelievedThatCouldHaveForgotten() {
    for (int count : new int[] {5, 60}) {
      for (int seed = 0; seed < 10; seed++) {
        var memory = new MemoryDisk();
        var disk = new FaultyDisk(memory, new SplittableRandom(seed));
        var life = new Life(disk, count);
        life.write(2);
        disk.arm(
            Fault.at(1, Fault.Kind.SYNC_FAIL)
                .among(Set.of(DiskOperation.SYNC_ALL, DiskOperation.SYNC)));
        assertThat(life.isDurable()).isFalse();
        assertThat(disk.fired()).isTrue();
        checkThatItLasts(life, memory, seed);
      }
    }
  }

  @Test
  void aFailureInTheBackgroundIsNotMissed() {
    for (int count : new int[] {1, 5, 20, 60}) {
      for (int seed = 0; seed < 10; seed++) {
        var memory = new MemoryDisk();
        var life = new Life(memory, count);
        life.write(2);
        Set<String> written = readable(life.store);
        memory.failWriteBack(new SplittableRandom(seed));
        boolean lost = !readable(life.store).equals(written);
        boolean durable = life.isDurable();
        assertThat(durable && lost).isFalse();
        if (durable) {
          MemoryDisk after = memory.crash(new SplittableRandom(seed), CrashMode.DROP);
          try (Store again = new TestStores(2).open(after)) {
            assertThat(readable(again)).isEqualTo(written);
          }
        } else {
          checkThatItLasts(life, memory, seed);
        }
      }
    }
  }
}
