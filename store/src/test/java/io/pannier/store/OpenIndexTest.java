package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.pannier.model.Labels;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

final class OpenIndexTest {
  private static final Labels LABELS = Labels.of("camera", "front", "quality", "0.75");

  @Property
  void whatWasAddedIsFoundByRowByTimeAndBySequence(@ForAll("rows") List<IndexSamples.Row> rows) {
    OpenIndex index = new OpenIndex();
    for (int row = 0; row < rows.size(); row++) {
      assertThat(IndexSamples.add(index, rows.get(row))).isEqualTo(row);
    }
    IndexSamples.assertHolds(index, rows);
  }

  @Property
  void lowerBoundIsTheFirstPositionAtOrBehindATime(@ForAll("rows") List<IndexSamples.Row> rows) {
    OpenIndex open = IndexSamples.indexOf(rows);
    SealedIndex sealed = IndexCodec.decode(IndexCodec.encode(open, List.of())).index();
    var times = new ArrayList<>(IndexSamples.EDGES);
    for (IndexSamples.Row row : rows) {
      times.addAll(List.of(row.timestamp() - 1, row.timestamp(), row.timestamp() + 1));
    }
    for (long time : times) {
      int before =
          (int)
              rows.stream().filter(row -> Long.compareUnsigned(row.timestamp(), time) < 0).count();
      assertThat(open.lowerBound(time)).isEqualTo(before);
      assertThat(sealed.lowerBound(time)).isEqualTo(before);
    }
  }

  @Property
  void sequenceNumbersThatAreNotThereAreNotFound(@ForAll("rows") List<IndexSamples.Row> rows) {
    OpenIndex index = IndexSamples.indexOf(rows);
    List<Long> known = rows.stream().map(IndexSamples.Row::sequence).toList();
    for (long edge : IndexSamples.EDGES) {
      assertThat(index.rowOfSequence(edge)).isEqualTo(known.indexOf(edge));
    }
    for (long sequence : known) {
      assertThat(index.rowOfSequence(sequence + 1)).isEqualTo(known.indexOf(sequence + 1));
    }
  }

  @Test
  void sequenceNumbersMustAscendUnsigned() {
    var index = new OpenIndex();
    add(index, 5, Long.MAX_VALUE);
    add(index, 5, Long.MIN_VALUE);
    assertThatThrownBy(() -> add(index, 6, Long.MIN_VALUE))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> add(index, 6, 7)).isInstanceOf(IllegalArgumentException.class);
    assertThat(index.rows()).isEqualTo(2);
  }

  @Test
  void rowsThatAreNotThereAreRefused() {
    var index = new OpenIndex();
    add(index, 1, 1);
    for (int row : new int[] {-1, 1}) {
      assertThatThrownBy(() -> index.timestamp(row)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> index.labels(row)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> index.rowAt(row)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void recordsInOrderNeedNoOrder() {
    var index = new OpenIndex();
    add(index, 5, 1);
    add(index, 5, 2);
    add(index, -1L, 3);
    assertThat(index.isReordered()).isFalse();
    add(index, 5, 4);
    assertThat(index.isReordered()).isTrue();
    assertThat(index.rowAt(2)).isEqualTo(3);
  }

  @Test
  void randomOrderOfAWholeBlockIsSorted() {
    var random = new Random(7);
    var index = new OpenIndex();
    for (int i = 0; i < 65_536; i++) {
      add(index, random.nextLong(1L << 40), i + 1);
    }
    for (int position = 1; position < index.rows(); position++) {
      assertThat(index.timestamp(index.rowAt(position)))
          .isGreaterThanOrEqualTo(index.timestamp(index.rowAt(position - 1)));
    }
  }

  @Test
  void addingInOrderAllocatesNoMoreThanTheColumnsGrow() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    var random = new Random(3);
    var index = new OpenIndex();
    int rows = 60_000;
    long time = 1_700_000_000_000_000L;
    long allocated = 0;
    for (int i = 0; i < rows; i++) {
      time += 1_000 + random.nextInt(100);
      long before = threads.getCurrentThreadAllocatedBytes();
      index.add(time, 64 + i * 1_128L, 1_000, 60, i + 1, 0, "image/png", LABELS);
      allocated += threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertThat(allocated / rows).isLessThan(64);
  }

  @Test
  void anIndexOfOneRecordIsSmall() {
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    int count = 10_000;
    OpenIndex last = new OpenIndex();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < count; i++) {
      last = new OpenIndex();
      // strings of their own, as they come from the wire
      last.add(i, 64, 10, 60, 1, 0, "text/" + i, Labels.of("camera", "f" + i, "quality" + i, "1"));
    }
    // What is kept cannot be more than what was allocated, strings and passing garbage included.
    long each = (threads.getCurrentThreadAllocatedBytes() - before) / count;
    assertThat(each).isLessThan(2_500);
    assertThat(last.memoryBytes()).isBetween(each / 4, each);
  }

  @Test
  void memoryGrowsWithWhatTheSealedFormWillTake() {
    var index = new OpenIndex();
    var many = new Labels.Builder();
    for (int i = 0; i < 1_000; i++) {
      many.set("label-" + i, "1");
    }
    index.add(1, 64, 10, 60, 1, 0, "", many.build());
    for (int i = 2; i <= 5_000; i++) {
      add(index, i, i);
    }
    int encoded = IndexCodec.encode(index, List.of()).remaining();
    assertThat(index.memoryBytes()).isGreaterThan((long) (encoded * 0.9));
  }

  @Provide
  static Arbitrary<List<IndexSamples.Row>> rows() {
    return IndexSamples.rows();
  }

  private static void add(OpenIndex index, long timestamp, long sequence) {
    index.add(timestamp, 64, 10, 60, sequence, 0, "text/plain", Labels.EMPTY);
  }
}
