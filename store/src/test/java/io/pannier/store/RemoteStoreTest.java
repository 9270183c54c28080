package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.BucketSettings;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.remote.FaultyObjectStore;
import io.pannier.store.remote.FaultyObjectStore.Fault;
import io.pannier.store.remote.MemoryObjectStore;
import io.pannier.store.remote.RemoteConfig;
import io.pannier.store.remote.RemoteDisk;
import io.pannier.store.remote.RemoteRefused;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A store in an object store: which requests it makes, whom it refuses, what it keeps. */
@Timeout(60)
class RemoteStoreTest {
  private static final BucketSettings TWO_A_BLOCK =
      new BucketSettings(QuotaType.NONE, 0, 1 << 20, 2, null);

  private final ManualClock clock = new ManualClock();
  private final MemoryObjectStore bucket = new MemoryObjectStore();
  private long seeds;

  /** A process on a local folder of its own. */
  private final class Running {
    final MemoryDisk local;
    final FaultyObjectStore objects = new FaultyObjectStore(bucket);
    final TestStores stores = new TestStores(++seeds, clock);
    Store store;

    Running(MemoryDisk local) {
      this.local = local;
    }

    Running open(RemoteConfig config) throws IOException {
      store =
          stores.open(
              RemoteDisk.open(
                  local,
                  objects,
                  config,
                  clock,
                  new SplittableRandom(++seeds),
                  RemoteRounds.FOOTERS));
      objects.calls();
      return this;
    }

    Optional<PannierException> remote() {
      var answer = new ArrayList<Optional<PannierException>>();
      store.whenRemote(answer::add);
      stores.scheduler.runDue();
      assertThat(answer).hasSize(1);
      return answer.getFirst();
    }

    void write(String bucketName, long timestamp, String body) {
      store.bucket(bucketName).entryForWrite("e").write(TestStores.record(timestamp, body));
      stores.scheduler.runDue();
    }

    String read(String bucketName, long timestamp) {
      return TestStores.text(store.bucket(bucketName).entry("e").find(timestamp));
    }

    /** The same as the names of what was asked for, without numbers. */
    List<String> requests() {
      return objects.calls().stream()
          .map(call -> call.replaceAll("s/[0-9a-f]{16}-[0-9a-f]{16}.*", "segment"))
          .map(call -> call.replaceAll("probe/.*", "probe"))
          .map(call -> call.replace("p/", ""))
          .toList();
    }
  }

  private static RemoteConfig config() {
    return config(1L << 30, 1L << 30);
  }

  private static RemoteConfig config(long cacheBytes, long tailBytes) {
    return new RemoteConfig(
        "p/", cacheBytes, tailBytes, 60_000, 600_000, 64 << 20, 32 << 20, "test");
  }

  private Running start(RemoteConfig config) throws IOException {
    return new Running(new MemoryDisk()).open(config);
  }

  private void lapse() {
    clock.advanceNanos(200_000_000_000L);
  }

  // ---------------------------------------------------------------- requests

  @Test
  void anUploadIsTwoRequestsWhateverWasWrittenTo() throws IOException {
    Running process = start(config());
    for (int i = 0; i < 20; i++) {
      process.store.createBucket("b" + i, TWO_A_BLOCK);
      for (int ts = 1; ts <= 5; ts++) {
        process.write("b" + i, ts, "body");
      }
    }
    assertThat(process.requests()).isEmpty();
    process.stores.scheduler.advanceMillis(60_000);
    assertThat(process.requests()).containsExactly("put segment", "put root");
    process.write("b3", 9, "one more");
    assertThat(process.remote()).isEmpty();
    assertThat(process.requests()).containsExactly("put segment", "put root");
  }

  @Test
  void whoeverWaitsAtOnceSharesAnUpload() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 64, null));
    var answers = new ArrayList<Optional<PannierException>>();
    for (int ts = 1; ts <= 10; ts++) {
      process.store.bucket("b").entryForWrite("e").write(TestStores.record(ts, "body"));
      process.store.whenRemote(answers::add);
    }
    process.stores.scheduler.runDue();
    assertThat(answers).hasSize(10).allMatch(Optional::isEmpty);
    assertThat(process.requests()).containsExactly("put segment", "put root");
  }

  @Test
  void anIdleServerOnlyRenewsItsLease() throws IOException {
    Running process = start(config());
    process.stores.scheduler.advanceMillis(60_000);
    process.requests();
    process.stores.scheduler.advanceMillis(600_000);
    assertThat(process.requests()).isNotEmpty().allMatch("put root"::equals).hasSizeLessThan(8);
  }

  @Test
  void aColdStartReadsManifestsAndJournalsAndNoBlock() throws IOException {
    Running first = start(config());
    first.store.createBucket("b", TWO_A_BLOCK);
    for (int ts = 1; ts <= 40; ts++) {
      first.write("b", ts, "body " + ts);
    }
    first.stores.scheduler.advanceMillis(61_000);
    first.store.close();
    Running cold = new Running(new MemoryDisk());
    cold.store =
        cold.stores.open(
            RemoteDisk.open(
                cold.local,
                cold.objects,
                config(),
                clock,
                new SplittableRandom(77),
                RemoteRounds.FOOTERS));
    List<String> requests = cold.requests();
    assertThat(requests.subList(0, 7))
        .containsExactly(
            "put probe",
            "put probe",
            "put probe",
            "put probe",
            "delete probe",
            "list probe",
            "get root");
    assertThat(requests).filteredOn("put root"::equals).hasSize(1);
    // Directory, page, FORMAT and its copy, and two extents of each of four journals.
    assertThat(requests).filteredOn("get segment"::equals).hasSize(2 + 2 + 4 * 2);
    assertThat(requests).hasSize(7 + 1 + 12);
    cold.stores.scheduler.runDue();
    cold.requests();
    // Index and data of one block.
    assertThat(cold.read("b", 1)).isEqualTo("body 1");
    assertThat(cold.requests()).containsExactly("get segment", "get segment");
    assertThat(cold.read("b", 2)).isEqualTo("body 2");
    assertThat(cold.requests()).isEmpty();
    // Whether a time is taken is known here; the open block comes whole before it is written to.
    assertThatThrownBy(() -> cold.write("b", 2, "twice"))
        .isInstanceOf(PannierException.Conflict.class);
    assertThat(cold.requests()).hasSizeLessThan(2);
    cold.store.close();
  }

  @Test
  void evictedBlocksKeepTheirIndexAndAreReadInOneRequest() throws IOException {
    Running process = start(config(0, 1L << 30));
    process.store.createBucket("b", TWO_A_BLOCK);
    for (int ts = 1; ts <= 11; ts++) {
      process.write("b", ts, "body " + ts);
    }
    process.stores.scheduler.advanceMillis(61_000);
    assertThat(process.store.remoteStatus().orElseThrow().cachedBytes()).isZero();
    process.stores.scheduler.advanceMillis(200_000);
    process.requests();
    assertThatThrownBy(() -> process.write("b", 3, "twice"))
        .isInstanceOf(PannierException.Conflict.class);
    assertThat(process.requests()).isEmpty();
    assertThat(process.read("b", 3)).isEqualTo("body 3");
    assertThat(process.requests()).containsExactly("get segment");
    process.store.close();
  }

  @Test
  void renamingCostsNoMoreThanAnUpload() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", TWO_A_BLOCK);
    for (int ts = 1; ts <= 10; ts++) {
      process.write("b", ts, "body");
    }
    process.remote();
    process.requests();
    process.store.bucket("b").renameEntry("e", "f");
    process.store.renameBucket("b", "c");
    assertThat(process.requests()).isEmpty();
    assertThat(process.remote()).isEmpty();
    assertThat(process.requests()).containsExactly("put segment", "put root");
  }

  @Test
  void whatIsRemovedIsGivenBackAfterAGrace() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 64, null));
    String body = "x".repeat(100_000);
    for (int ts = 1; ts <= 40; ts++) {
      process.write("b", ts, body);
    }
    process.remote();
    long stored = process.store.remoteStatus().orElseThrow().storedBytes();
    assertThat(stored).isGreaterThan(4_000_000);
    process.store.removeBucket("b");
    process.stores.scheduler.advanceMillis(130_000);
    process.requests();
    assertThat(process.store.remoteStatus().orElseThrow().storedBytes()).isGreaterThan(4_000_000);
    process.stores.scheduler.advanceMillis(700_000);
    assertThat(process.requests()).contains("delete segment");
    assertThat(process.store.remoteStatus().orElseThrow().storedBytes()).isLessThan(100_000);
    assertThat(bucket.keys().stream().mapToLong(key -> bucket.bytes(key).length).sum())
        .isLessThan(100_000);
    process.store.close();
  }

  @Test
  void sealingABlockUploadsNothingOfItAgain() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 3, null));
    String body = "x".repeat(50_000);
    process.write("b", 1, body);
    process.write("b", 2, body);
    assertThat(process.remote()).isEmpty();
    process.requests();
    long before = process.store.remoteStatus().orElseThrow().sentBytes();
    process.write("b", 3, "the last one of its block");
    process.write("b", 4, "the first one of the next");
    assertThat(process.remote()).isEmpty();
    assertThat(process.requests()).containsExactly("put segment", "put root");
    long sent = process.store.remoteStatus().orElseThrow().sentBytes() - before;
    assertThat(sent).isLessThan(10_000);
    process.store.close();
  }

  @Test
  void weakness41EveryByteGoesUpOnce() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 64 << 20, 1000, null));
    String body = "x".repeat(20_000);
    long before = process.store.remoteStatus().orElseThrow().sentBytes();
    for (int tick = 0; tick < 25; tick++) {
      for (int i = 0; i < 10; i++) {
        process.write("b", 1 + tick * 10 + i, body);
      }
      assertThat(process.remote()).isEmpty();
    }
    // One block that grew by 25 uploads; each brought what was new, and the difference.
    long sent = process.store.remoteStatus().orElseThrow().sentBytes() - before;
    assertThat((double) sent / (250 * 20_000)).isBetween(1.0, 1.1);
    assertThat(bucket.keys()).noneMatch(key -> bucket.bytes(key).length > 64 << 20);
    process.store.close();
  }

  @Test
  void weakness42EvictingAsksForNothingAndNeverDropsTheOnlyCopy() throws IOException {
    Running process = start(config(0, 1L << 30));
    process.store.createBucket("b", TWO_A_BLOCK);
    for (int ts = 1; ts <= 11; ts++) {
      process.write("b", ts, "body " + ts);
    }
    process.objects.arm(1, Fault.ERROR, true);
    assertThat(process.remote()).isPresent();
    assertThat(process.requests()).containsOnly("put segment");
    // Nothing of it is uploaded, so all of it is here.
    for (int ts = 1; ts <= 11; ts++) {
      assertThat(process.read("b", ts)).isEqualTo("body " + ts);
    }
    assertThat(process.requests()).isEmpty();
    process.objects.heal();
    assertThat(process.remote()).isEmpty();
    assertThat(process.store.remoteStatus().orElseThrow().cachedBytes()).isZero();
    assertThat(process.requests()).containsExactly("put segment", "put root");
    process.store.close();
  }

  @Test
  void weakness43AColdReadFetchesWhatIsAskedForAndNotTheBlock() throws IOException {
    Running first = start(config());
    first.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 8 << 20, 100, null));
    String body = "x".repeat(60_000);
    for (int ts = 1; ts <= 101; ts++) {
      first.write("b", ts, body);
    }
    first.store.close();
    lapse();
    Running cold = start(config());
    cold.stores.scheduler.runDue();
    cold.requests();
    long before = cold.store.remoteStatus().orElseThrow().receivedBytes();
    assertThat(cold.read("b", 50)).isEqualTo(body);
    assertThat(cold.requests()).containsExactly("get segment", "get segment");
    long received = cold.store.remoteStatus().orElseThrow().receivedBytes() - before;
    assertThat(received).isLessThan(1_000_000); // of a block of 6 MB
    cold.store.close();
  }

  @Test
  void removingIsAnUploadAndLaterADeletionForEachSegment() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 64, null));
    process.write("b", 1, "x".repeat(1_500_000));
    assertThat(process.remote()).isEmpty();
    process.requests();
    process.store.removeBucket("b");
    assertThat(process.requests()).isEmpty();
    assertThat(process.remote()).isEmpty();
    assertThat(process.requests()).containsExactly("put segment", "put root");
    process.stores.scheduler.advanceMillis(1_500_000);
    List<String> later = process.requests();
    assertThat(later).containsOnly("put segment", "put root", "get segment", "delete segment");
    // FORMAT, its copy and two journals live on elsewhere; both segments go. The rest is what time
    // brings: roots renew the lease.
    assertThat(later).filteredOn("get segment"::equals).hasSize(4);
    assertThat(later).filteredOn("delete segment"::equals).hasSize(2);
    assertThat(later).filteredOn("put segment"::equals).hasSize(3);
    assertThat(later).filteredOn("put root"::equals).hasSize(13);
    process.store.close();
  }

  @Test
  void mergingAsksOnceForEachRangeThatLivesAndPutsOneSegment() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 1000, null));
    for (int ts = 1; process.store.remoteStatus().orElseThrow().segments() < 32; ts++) {
      process.requests();
      process.write("b", ts, "body " + ts);
      assertThat(process.remote()).isEmpty();
    }
    assertThat(process.requests()).containsExactly("put segment", "put root");
    process.write("b", 1_000, "one more");
    assertThat(process.remote()).isEmpty();
    List<String> merging = process.requests();
    assertThat(merging).containsOnly("get segment", "put segment", "put root");
    assertThat(merging).endsWith("put segment", "put root");
    assertThat(merging).filteredOn("put segment"::equals).hasSize(1);
    // Of each segment its record; of the first one also FORMAT, its copy, and the beginnings of
    // four journals.
    assertThat(merging).filteredOn("get segment"::equals).hasSize(32 + 6);
    process.store.close();
  }

  @Test
  void manySmallSegmentsBecomeFew() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", new BucketSettings(QuotaType.NONE, 0, 4 << 20, 1000, null));
    for (int ts = 1; ts <= 200; ts++) {
      process.write("b", ts, "body " + ts);
      assertThat(process.remote()).isEmpty();
    }
    process.stores.scheduler.advanceMillis(1_300_000);
    assertThat(process.store.remoteStatus().orElseThrow().segments()).isLessThan(40);
    process.store.close();
    lapse();
    Running cold = start(config());
    for (int ts = 1; ts <= 200; ts++) {
      assertThat(cold.read("b", ts)).isEqualTo("body " + ts);
    }
    cold.store.close();
  }

  // ---------------------------------------------------------------- two servers

  @Test
  void aSecondServerIsRefusedAndToldByWhom() throws IOException {
    Running first = start(config());
    assertThatThrownBy(() -> start(config()))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("in use by test")
        .hasMessageContaining("seconds");
    first.store.close();
    start(config()).store.close();
  }

  @Test
  void aServerThatWasTakenOverWritesNothingMore() throws IOException {
    Running first = start(config());
    first.store.createBucket("b", TWO_A_BLOCK);
    first.write("b", 1, "one");
    assertThat(first.remote()).isEmpty();
    lapse();
    Running second = start(config());
    second.write("b", 2, "two");
    assertThat(second.remote()).isEmpty();
    first.write("b", 3, "three");
    assertThat(first.remote().orElseThrow()).hasMessageContaining("taken over");
    assertThatThrownBy(() -> first.write("b", 4, "four"))
        .isInstanceOf(PannierException.Unavailable.class)
        .hasMessageContaining("taken over");
    assertThat(first.stores.events).anyMatch(event -> event.contains("uploads have ended"));
    assertThat(first.store.remoteStatus().orElseThrow().fenced()).isTrue();
    second.write("b", 5, "five");
    assertThat(second.remote()).isEmpty();
    assertThat(second.read("b", 1)).isEqualTo("one");
    assertThat(second.store.bucket("b").entry("e").info().recordCount()).isEqualTo(3);
    second.store.close();
    first.store.close();
    // The folder of the first holds a record that nobody else has: it is not thrown away.
    assertThatThrownBy(() -> new Running(first.local.kill()).open(config()))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("cannot be joined");
  }

  @Test
  void aFolderWithNothingUnsentFollowsTheStore() throws IOException {
    Running first = start(config());
    first.store.createBucket("b", TWO_A_BLOCK);
    first.write("b", 1, "one");
    first.store.close();
    Running second = start(config());
    second.write("b", 2, "two");
    second.store.close();
    Running again = new Running(first.local.kill()).open(config());
    assertThat(again.read("b", 1)).isEqualTo("one");
    assertThat(again.read("b", 2)).isEqualTo("two");
    again.store.close();
  }

  @Test
  void aStoreOfTheFileSystemMovesToTheObjectStore() throws IOException {
    var local = new MemoryDisk();
    var before = new TestStores(1, clock);
    Store store = before.open(local);
    store.createBucket("b", TWO_A_BLOCK);
    store.bucket("b").entryForWrite("e").write(TestStores.record(1, "one"));
    store.close();
    Running moved = new Running(local.kill()).open(config());
    assertThat(moved.remote()).isEmpty();
    moved.store.close();
    Running cold = start(config());
    assertThat(cold.read("b", 1)).isEqualTo("one");
    cold.store.close();
    // And no other store takes its place.
    var other = new MemoryDisk();
    new TestStores(2, clock).open(other).close();
    assertThatThrownBy(() -> new Running(other.kill()).open(config()))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("never in this bucket");
  }

  @Test
  void aBucketThatWasEmptiedIsNotTakenForANewOne() throws IOException {
    Running first = start(config());
    first.store.createBucket("b", TWO_A_BLOCK);
    first.store.close();
    bucket.keys().forEach(bucket::delete);
    assertThatThrownBy(() -> new Running(first.local.kill()).open(config()))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("was emptied");
  }

  // ---------------------------------------------------------------- bounds and damage

  @Test
  void weakness42BeyondItsBoundTheTailRefusesWritesAndDropsNothing() throws IOException {
    Running process = start(config(0, 50_000));
    process.store.createBucket("b", TWO_A_BLOCK);
    process.objects.arm(1, Fault.ERROR, true);
    int written = 0;
    try {
      for (int ts = 1; ts <= 20; ts++) {
        process.write("b", ts, "x".repeat(10_000));
        written++;
        process.stores.scheduler.advanceMillis(25_000);
      }
    } catch (PannierException.Unavailable full) {
      assertThat(full.retryAfterSeconds()).isPositive();
      assertThat(full).hasMessageContaining("wait to be uploaded");
    }
    assertThat(written).isBetween(4, 6);
    process.store.bucket("b").entry("e").find(1);
    var status = process.store.remoteStatus().orElseThrow();
    assertThat(status.unsentBytes()).isGreaterThan(40_000);
    assertThat(status.oldestUnsentMicros()).isGreaterThan(10_000_000);
    assertThat(status.lastFailure()).contains("internal error");
    process.objects.heal();
    process.stores.scheduler.advanceMillis(70_000);
    assertThat(process.store.remoteStatus().orElseThrow().unsentBytes()).isZero();
    process.write("b", 30, "more");
    for (int each = 1; each <= written; each++) {
      assertThat(process.read("b", each)).hasSize(10_000);
    }
    process.store.close();
  }

  @Test
  void aStoreThatDoesNotHonourConditionsIsRefused() {
    var careless =
        new io.pannier.store.remote.ObjectStore() {
          @Override
          public void put(String key, Content content) throws IOException {
            bucket.put(key, content);
          }

          @Override
          public String putIfAbsent(String key, java.nio.ByteBuffer content) throws IOException {
            bucket.delete(key);
            return bucket.putIfAbsent(key, content);
          }

          @Override
          public String putIfMatch(String key, java.nio.ByteBuffer content, String version)
              throws IOException {
            return putIfAbsent(key, content);
          }

          @Override
          public Optional<Found> get(String key) {
            return bucket.get(key);
          }

          @Override
          public void read(String key, long position, java.nio.ByteBuffer target)
              throws IOException {
            bucket.read(key, position, target);
          }

          @Override
          public List<String> list(String prefix, String after) {
            return bucket.list(prefix, after);
          }

          @Override
          public void delete(String key) {
            bucket.delete(key);
          }

          @Override
          public void close() {}
        };
    assertThatThrownBy(() ->
            RemoteDisk.open(
                new MemoryDisk(),
                careless,
                config(),
                clock,
                new SplittableRandom(1),
                RemoteRounds.FOOTERS))
        .isInstanceOf(RemoteRefused.class)
        .hasMessageContaining("If-None-Match");
    assertThat(bucket.keys()).isEmpty();
  }

  @Test
  void damageInTheObjectStoreIsToldAndConfined() throws IOException {
    Running process = start(config());
    process.store.createBucket("b", TWO_A_BLOCK);
    String body = "x".repeat(20_000);
    for (int ts = 1; ts <= 4; ts++) {
      process.write("b", ts, body + ts);
    }
    process.store.close();
    // The first record lies in front in the only segment with blocks.
    String largest =
        bucket.keys().stream()
            .max(java.util.Comparator.comparingInt(key -> bucket.bytes(key).length))
            .orElseThrow();
    bucket.flip(largest, indexOf(bucket.bytes(largest), "xxxxxxxx") + 500);
    Running cold = start(config());
    int broken = 0;
    for (int ts = 1; ts <= 4; ts++) {
      try {
        assertThat(cold.read("b", ts)).isEqualTo(body + ts);
      } catch (PannierException.Damaged told) {
        broken++;
      }
    }
    assertThat(broken).isEqualTo(1);
    cold.store.close();
  }

  private static int indexOf(byte[] bytes, String text) {
    return new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf(text);
  }

  @Test
  void aLocalFolderThatIsFullLosesNothing() throws IOException {
    Running process = new Running(new MemoryDisk(400_000));
    process.open(config(0, 1L << 30));
    process.store.createBucket("b", TWO_A_BLOCK);
    int written = 0;
    for (int ts = 1; ts <= 100; ts++) {
      try {
        process.write("b", ts, "x".repeat(10_000));
        written++;
      } catch (PannierException.DiskFull full) {
        // Uploading and evicting makes room.
        process.stores.scheduler.advanceMillis(61_000);
        process.write("b", ts, "x".repeat(10_000));
        written++;
      }
    }
    assertThat(written).isEqualTo(100);
    for (int ts = 1; ts <= 100; ts++) {
      assertThat(process.read("b", ts)).hasSize(10_000);
    }
    process.store.close();
  }
}
