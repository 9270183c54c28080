package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.disk.MemoryDisk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An entry in the order in which it came to be. */
class HistoryTest {
  private final MemoryDisk disk = new MemoryDisk();
  private final TestStores stores = new TestStores(5);
  private final Store store = stores.open(disk);
  private final List<String> told = new ArrayList<>();

  private Entry entry(long blockRecords, QuotaType quota, long quotaSize) {
    return store
        .createBucket("b", new BucketSettings(quota, quotaSize, 64_000_000, blockRecords, null))
        .entryForWrite("e");
  }

  private static void write(Entry entry, long time, String... labels) {
    entry.write(TestStores.record(time, "body ".repeat(20) + time, labels));
  }

  private void follow(boolean cares) {
    store
        .bucket("b")
        .follow(
            new Follower() {
              @Override
              public void moved(Entry entry) {
                told.add("moved");
              }

              @Override
              public void beforeLoss(Entry entry, long sequence) {
                // All of it can be read still.
                told.add(
                    "before " + sequence + ": " + new History(entry).after(0, 100, true).events());
              }

              @Override
              public boolean caresFor(Entry entry) {
                return cares;
              }

              @Override
              public void gone(
                  Entry entry, long[] sequences, long[] lengths, BitSet live, boolean evicted) {
                told.add("gone " + List.of(sequences[0], live.cardinality(), evicted));
              }
            });
  }

  @Test
  void eventsComeInTheOrderOfTheirNumbersAcrossBlocks() {
    Entry entry = entry(3, QuotaType.NONE, 0);
    for (long time : new long[] {10, 11, 12, 13, 5, 14, 6, 15}) {
      write(entry, time);
    }
    entry.updateLabels(11, Labels.of("a", "1"));
    write(entry, 16);
    entry.remove(5);
    stores.scheduler.runDue();
    var history = new History(entry);
    History.Page all = history.after(0, 100, true);
    assertThat(all.events()).extracting(History.Event::sequence).isSorted().hasSize(11);
    assertThat(all.upTo()).isEqualTo(11).isEqualTo(entry.lastSequence());
    // The same in pages.
    var paged = new ArrayList<History.Event>();
    for (long at = 0; at < 11; ) {
      History.Page page = history.after(at, 2, true);
      paged.addAll(page.events());
      assertThat(page.upTo()).isGreaterThan(at);
      at = page.upTo();
    }
    assertThat(paged).isEqualTo(all.events());
  }

  @Test
  void labelsAreThoseOfTheMoment() {
    Entry entry = entry(100, QuotaType.NONE, 0);
    write(entry, 1, "a", "1", "b", "2");
    entry.updateLabels(1, Labels.of("a", "", "c", "3"));
    entry.updateLabels(1, Labels.of("b", ""));
    assertThat(new History(entry).after(0, 100, true).events())
        .containsExactly(
            new History.Event.Written(1, 1, 101, Labels.of("a", "1", "b", "2"), false),
            new History.Event.Relabelled(
                2, 1, 1, 101, Labels.of("b", "2", "c", "3"), Set.of("a"), Optional.empty()),
            new History.Event.Relabelled(
                3, 1, 1, 101, Labels.of("c", "3"), Set.of("b"), Optional.empty()));
    assertThat(new History(entry).after(2, 100, true).events())
        .containsExactly(
            new History.Event.Relabelled(
                3, 1, 1, 101, Labels.of("c", "3"), Set.of("b"), Optional.empty()));
  }

  @Test
  void anUpdateThatChangesNothingIsNoEvent() {
    Entry entry = entry(100, QuotaType.NONE, 0);
    write(entry, 1, "a", "1");
    entry.updateLabels(1, Labels.of("a", "1", "b", ""));
    assertThat(entry.lastSequence()).isEqualTo(1);
  }

  @Test
  void originsOfCopiesAreKeptThroughARewrite() {
    Entry entry = entry(3, QuotaType.NONE, 0);
    var robot = Optional.of(new UUID(1, 2));
    for (int i = 1; i <= 4; i++) {
      ByteBuffer body = ByteBuffer.wrap(new byte[2000]);
      entry.write(new NewRecord(i, "text/plain", Labels.of("a", "1"), robot, body));
    }
    try (Upload upload = entry.beginUpload(9, "", Labels.EMPTY, robot, 0)) {
      upload.commit();
    }
    write(entry, 10, "long", "enough for the item that could name an origin");
    stores.scheduler.runDue();
    entry.updateAll(new long[] {3}, List.of(Labels.of("a", "2")), robot, new PannierException[1]);
    assertThat(new History(entry).after(6, 10, true).events())
        .containsExactly(
            new History.Event.Relabelled(7, 3, 3, 2000, Labels.of("a", "2"), Set.of(), robot));
    entry.removeAll(new long[] {1, 2}, new PannierException[2]);
    stores.scheduler.runDue();
    stores.scheduler.runDue();
    assertThat(entry.find(3).labels()).isEqualTo(Labels.of("a", "2"));
    for (long time : new long[] {3, 4, 9}) {
      assertThat(entry.find(time).origin()).isEqualTo(robot);
    }
    assertThat(entry.find(10).origin()).isEmpty();
  }

  @Test
  void recordsAreFoundByTheirNumbers() {
    Entry entry = entry(2, QuotaType.NONE, 0);
    for (int i = 1; i <= 9; i++) {
      write(entry, i);
    }
    entry.remove(3);
    stores.scheduler.runDue();
    assertThat(new History(entry).records(new long[] {1, 3, 4, 9, 77}))
        .extracting(StoredRecord::timestamp)
        .containsExactly(1L, 4L, 9L);
  }

  @Test
  void aFollowerIsAskedBeforeARewriteForgets() {
    Entry entry = entry(4, QuotaType.NONE, 0);
    for (int i = 1; i <= 5; i++) {
      // Long enough that two of four are more than the share from which a block is rewritten.
      entry.write(TestStores.record(i, "body ".repeat(400), "a", "1"));
    }
    stores.scheduler.runDue();
    follow(false);
    entry.updateLabels(4, Labels.of("a", ""));
    entry.removeAll(new long[] {1, 2}, new PannierException[2]);
    stores.scheduler.runDue();
    stores.scheduler.runDue();
    assertThat(told).filteredOn(line -> line.startsWith("before 8")).hasSize(1);
    assertThat(told.toString()).contains("Written[sequence=1,", "Relabelled[sequence=6,");
    // And then it is forgotten.
    assertThat(new History(entry).after(0, 100, true).events())
        .extracting(History.Event::sequence)
        .containsExactly(3L, 4L, 5L);
  }

  @Test
  void aFollowerHearsWhichRecordsGo() {
    Entry entry = entry(10, QuotaType.FIFO, 6000);
    for (int i = 1; i <= 10; i++) {
      write(entry, i);
    }
    entry.remove(2);
    follow(true);
    for (int i = 11; i <= 60; i++) {
      write(entry, i);
      stores.scheduler.runDue();
    }
    assertThat(told).contains("gone [1, 9, true]");
    assertThat(new History(entry).floor()).isGreaterThan(10);
    told.clear();
    entry.removeRange(TimeRange.all());
    assertThat(told.toString()).contains("false]");
  }
}
