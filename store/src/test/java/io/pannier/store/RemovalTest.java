package io.pannier.store;

import static io.pannier.store.TestStores.record;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskOperation;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Removal that meets a failing device: it is done once the device works again, without a start. */
class RemovalTest {
  private final MemoryDisk memory = new MemoryDisk();
  private final FaultyDisk disk = new FaultyDisk(memory, new SplittableRandom(1));
  private final TestStores stores = new TestStores(1);

  private Entry filled(Store store) {
    var settings = new BucketSettings(QuotaType.NONE, 0, 64_000_000, 10, null);
    Entry entry = store.createBucket("b", settings).entryForWrite("e");
    for (int time = 0; time < 30; time++) {
      entry.write(record(time, "r" + time));
      stores.scheduler.runDue();
    }
    stores.scheduler.advanceMillis(20_000);
    return entry;
  }

  @Test
  void filesOfARemovedBucketAreDeletedWhenTheDeviceWorksAgain() throws IOException {
    try (Store store = stores.open(disk)) {
      filled(store);
      disk.arm(Fault.from(1, Fault.Kind.FAIL).among(Set.of(DiskOperation.DELETE)));
      store.removeBucket("b");
      stores.scheduler.advanceMillis(5_000);
      assertThat(memory.list("b")).containsExactly("1");
      disk.heal();
      stores.scheduler.advanceMillis(5_000);
      assertThat(memory.list("b")).isEmpty();
    }
  }

  @Test
  void filesOfRemovedBlocksAreDeletedWhenTheDeviceWorksAgain() throws IOException {
    try (Store store = stores.open(disk)) {
      Entry entry = filled(store);
      disk.arm(Fault.from(1, Fault.Kind.FAIL).among(Set.of(DiskOperation.DELETE)));
      assertThat(entry.removeRange(TimeRange.of(0, 20))).isEqualTo(20);
      stores.scheduler.advanceMillis(5_000);
      assertThat(memory.list("b/1/1")).contains("1.blk", "2.blk", "3.blk");
      disk.heal();
      stores.scheduler.advanceMillis(5_000);
      assertThat(memory.list("b/1/1")).doesNotContain("1.blk", "2.blk").contains("3.blk");
    }
  }

  /** On a full device somebody else takes at once whatever becomes free. */
  @Test
  void removalGoesOnWhileAnotherProgramTakesEveryFreeByte() throws IOException {
    var small = new MemoryDisk(16_000_000);
    try (Store store = stores.limits(Limits.forHandles(1_000)).open(small)) {
      Entry entry = filled(store);
      for (int time = 0; time < 25; time++) {
        takeRest(small, time);
        entry.remove(time);
        stores.scheduler.advanceMillis(1_000);
      }
      assertThat(entry.info().recordCount()).isEqualTo(5);
      assertThat(store.stats().ballastReleases()).isPositive();
    }
  }

  private static void takeRest(MemoryDisk small, int round) throws IOException {
    try (DiskFile neighbour = small.create("neighbour" + round)) {
      neighbour.append(ByteBuffer.allocate((int) small.usableBytes()));
    }
  }

  /** Whatever append of the removal fails: what it says is what is there. */
  @Test
  void aRemovalThatIsRefusedHasRemovedNothing() {
    int tries = 0;
    for (boolean fired = true; fired; tries++) {
      var machine = new TestStores(1);
      var faulty = new FaultyDisk(new MemoryDisk(), new SplittableRandom(1));
      try (Store store = machine.open(faulty)) {
        var settings = new BucketSettings(QuotaType.NONE, 0, 64_000_000, 10, null);
        Entry entry = store.createBucket("b", settings).entryForWrite("e");
        for (int time = 0; time < 20; time++) {
          entry.write(record(time, "r" + time));
          machine.scheduler.runDue();
        }
        machine.scheduler.advanceMillis(20_000);
        faulty.arm(Fault.at(tries + 1, Fault.Kind.FAIL).among(Set.of(DiskOperation.APPEND)));
        if (refuses(entry)) {
          assertThat(entry.info().recordCount()).isEqualTo(20);
        } else {
          assertThat(entry.info().recordCount()).isEqualTo(10);
          assertThatThrownBy(() -> entry.find(5)).isInstanceOf(PannierException.NotFound.class);
        }
        fired = faulty.fired();
        faulty.heal();
      }
    }
    assertThat(tries).isGreaterThan(2);
  }

  private static boolean refuses(Entry entry) {
    try {
      entry.removeRange(TimeRange.of(0, 10));
      return false;
    } catch (PannierException refused) {
      return true;
    }
  }
}
