package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.IndexCodec.Hole;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

final class IndexCodecTest {

  @Property
  void anIndexReadsBackAsItWas(
      @ForAll("rows") List<IndexSamples.Row> rows, @ForAll("holes") List<Hole> holes) {
    ByteBuffer encoded = IndexCodec.encode(IndexSamples.indexOf(rows), holes);
    IndexCodec.Decoded decoded = IndexCodec.decode(encoded);
    IndexSamples.assertHolds(decoded.index(), rows);
    assertThat(decoded.holes()).isEqualTo(holes);
    assertThat(encoded.position()).isZero();
    assertThat(IndexCodec.encode(decoded.index(), holes)).isEqualTo(encoded);
  }

  @Test
  void anIndexWithoutRowsReadsBack() {
    ByteBuffer encoded = IndexCodec.encode(new OpenIndex(), List.of());
    SealedIndex index = IndexCodec.decode(encoded).index();
    IndexSamples.assertHolds(index, List.of());
    assertThat(index.lowerBound(0)).isZero();
    assertThat(index.rowOfSequence(0)).isEqualTo(-1);
  }

  @Test
  void aWholeBlockReadsBack() {
    List<IndexSamples.Row> rows = wholeBlock(true);
    ByteBuffer encoded = IndexCodec.encode(IndexSamples.indexOf(rows), List.of());
    IndexSamples.assertHolds(IndexCodec.decode(encoded).index(), rows);
  }

  @Test
  void theIndexLiesInThePartOfTheBufferThatRemains() {
    List<IndexSamples.Row> rows = wholeBlock(false).subList(0, 20);
    ByteBuffer encoded = IndexCodec.encode(IndexSamples.indexOf(rows), List.of());
    ByteBuffer larger = ByteBuffer.allocateDirect(encoded.remaining() + 20);
    larger.position(7).put(encoded).flip().position(7);
    IndexSamples.assertHolds(IndexCodec.decode(larger).index(), rows);
    assertThat(larger.position()).isEqualTo(7);
  }

  @Test
  void theLayoutIsTheOneInTheFormat() {
    var index = new OpenIndex();
    index.add(1_000, 64, 10, 30, 1, 0, "image/png", Labels.of("é", "-2"));
    index.add(900, 168, 10, 30, 2, 1, "application/octet-stream", Labels.EMPTY);
    ByteBuffer read = IndexCodec.encode(index, List.of(new Hole(96, 168)));
    assertThat(read.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertInts(read, 2, 1, 1);
    assertLongs(read, 96, 168);
    assertEvenColumn(read, 1_000, -100);
    assertEvenColumn(read, 64, 104);
    assertEvenColumn(read, 10, 0);
    assertEvenColumn(read, 30, 0);
    assertEvenColumn(read, 1, 1);
    assertEvenColumn(read, 0, 1);
    assertInts(read, 1);
    assertText(read, "image/png");
    assertEvenColumn(read, 1, -1);
    assertThat(read.get()).isEqualTo((byte) 1);
    assertEvenColumn(read, 1, -1);
    assertInts(read, 1);
    assertText(read, "é");
    assertInts(read, 1);
    assertInts(read, 0, 1, 0, 0);
    assertLongs(read, -2, -2, 0, 0);
    assertInts(read, 1);
    assertText(read, "-2");
    assertEvenColumn(read, 1, -1);
    assertThat(read.remaining()).isZero();
  }

  @Test
  void recordsOfOneSizeAtOneRateCostLittle() {
    var index = new OpenIndex();
    for (int i = 0; i < 10_000; i++) {
      index.add(
          1_000_000L + i * 10_000L,
          64 + i * 1_128L,
          1_000,
          60,
          i + 1,
          0,
          "image/png",
          Labels.of("camera", "front"));
    }
    assertThat(IndexCodec.encode(index, List.of()).remaining()).isLessThan(350);
  }

  @Property(tries = 60)
  void everyCutIsDamage(@ForAll("rows") List<IndexSamples.Row> rows) {
    ByteBuffer encoded = IndexCodec.encode(IndexSamples.indexOf(rows), List.of(new Hole(1, 2)));
    for (int length = 0; length < encoded.limit(); length++) {
      ByteBuffer cut = encoded.slice(0, length);
      assertThatThrownBy(() -> IndexCodec.decode(cut)).isInstanceOf(PannierException.Damaged.class);
    }
    ByteBuffer longer = ByteBuffer.allocate(encoded.limit() + 1).put(encoded).rewind();
    assertThatThrownBy(() -> IndexCodec.decode(longer))
        .isInstanceOf(PannierException.Damaged.class);
  }

  @Property
  void changedBytesAreDamageOrAnotherIndex(
      @ForAll("rows") List<IndexSamples.Row> rows, @ForAll Random random) {
    byte[] original = bytes(IndexCodec.encode(IndexSamples.indexOf(rows), List.of(new Hole(1, 2))));
    for (int round = 0; round < 200; round++) {
      byte[] changed = original.clone();
      for (int i = random.nextInt(3); i >= 0; i--) {
        int at = random.nextInt(changed.length);
        switch (random.nextInt(3)) {
          case 0 -> changed[at] = (byte) random.nextInt();
          case 1 -> changed[at] ^= (byte) (1 << random.nextInt(8));
          default -> putEdge(changed, at, random);
        }
      }
      readIfPossible(ByteBuffer.wrap(changed));
    }
  }

  @Property
  void arbitraryBytesAreDamageOrAnIndex(@ForAll byte[] bytes, @ForAll Random random) {
    byte[] started = new byte[12 + bytes.length];
    ByteBuffer.wrap(started)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(random.nextInt(5))
        .putInt(1)
        .putInt(0)
        .put(bytes);
    readIfPossible(ByteBuffer.wrap(started));
    readIfPossible(ByteBuffer.wrap(bytes));
  }

  @Test
  void countsThatTheBytesCannotHoldTakeNoMemory() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<IndexSamples.Row> rows = wholeBlock(true).subList(0, 100);
    byte[] original = bytes(IndexCodec.encode(IndexSamples.indexOf(rows), List.of()));
    // The first time classes are loaded, which takes memory too.
    for (boolean isMeasured : new boolean[] {false, true}) {
      for (int at = 0; at + 4 <= original.length; at += isMeasured ? 1 : 8) {
        for (int count : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 20, 1 << 16}) {
          byte[] changed = original.clone();
          ByteBuffer buffer = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
          buffer.putInt(at, count);
          long before = threads.getCurrentThreadAllocatedBytes();
          readIfPossible(buffer);
          if (isMeasured) {
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                .isLessThan(100_000L + 20L * original.length);
          }
        }
      }
    }
  }

  @Test
  @Timeout(20)
  void manyLabelsOverRowsThatCostNoBytesAreReadInTimeOfTheirBytes() {
    int count = 20_000;
    var index = new OpenIndex();
    var labels = new Labels.Builder();
    for (int i = 0; i < count; i++) {
      labels.set("label-%05d".formatted(i), "1");
    }
    index.add(1, 64, 10, 60, 1, 0, "", labels.build());
    index.add(2, 128, 10, 60, 2, 0, "", labels.build());
    ByteBuffer encoded = IndexCodec.encode(index, List.of());
    encoded.putInt(0, IndexCodec.ROWS_MAX);
    int labelBytes = (4 + 11) + 4 + LabelColumnStatistics.BYTES + (4 + 4 + 1) + 17;
    for (int i = 1; i <= count; i++) {
      int numbersAt = encoded.limit() - i * labelBytes + (4 + 11) + 4 + 4;
      encoded.putInt(numbersAt, IndexCodec.ROWS_MAX);
    }
    SealedIndex read = IndexCodec.decode(encoded).index();
    assertThat(read.rows()).isEqualTo(IndexCodec.ROWS_MAX);
    assertThat(read.labelNames()).hasSize(count);
  }

  @Test
  void textThatIsNotUtf8IsDamage() {
    var index = new OpenIndex();
    index.add(1, 64, 10, 60, 1, 0, "type/é", Labels.of("näme", "välue"));
    byte[] original = bytes(IndexCodec.encode(index, List.of()));
    int lead = (byte) 0xc3;
    int found = 0;
    for (int at = 0; at < original.length; at++) {
      if (original[at] == lead) {
        byte[] changed = original.clone();
        changed[at] = (byte) 0xff;
        assertThatThrownBy(() -> IndexCodec.decode(ByteBuffer.wrap(changed)))
            .isInstanceOf(PannierException.Damaged.class);
        found++;
      }
    }
    assertThat(found).isEqualTo(3);
  }

  @Test
  void anotherLayoutIsDamage() {
    ByteBuffer encoded = IndexCodec.encode(new OpenIndex(), List.of());
    encoded.putInt(4, 3);
    assertThatThrownBy(() -> IndexCodec.decode(encoded))
        .isInstanceOf(PannierException.Damaged.class)
        .hasMessageContaining("layout");
  }

  @Provide
  static Arbitrary<List<IndexSamples.Row>> rows() {
    return IndexSamples.rows();
  }

  @Provide
  static Arbitrary<List<Hole>> holes() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 1L << 50), Arbitraries.longs().between(0, 1L << 40))
        .as((from, length) -> new Hole(from, from + length))
        .list()
        .ofMaxSize(3)
        .withoutEdgeCases();
  }

  /** 65 536 records with jitter, a few types, labels that repeat, differ or lack. */
  private static List<IndexSamples.Row> wholeBlock(boolean outOfOrder) {
    var random = new Random(11);
    var rows = new ArrayList<IndexSamples.Row>();
    long offset = 64;
    for (int i = 0; i < 65_536; i++) {
      var labels = new Labels.Builder();
      labels.set("camera", i % 2 == 0 ? "front" : "rear");
      labels.set("frame", "№" + i);
      if (i % 7 == 0) {
        labels.set("empty", "");
      }
      long length = random.nextInt(100_000);
      rows.add(
          new IndexSamples.Row(
              1_700_000_000_000_000L
                  + i * 33_333L
                  + (outOfOrder ? random.nextInt(200_000) : random.nextInt(100)),
              offset,
              length,
              60 + i % 3,
              i + 1,
              0,
              "image/" + i % 300,
              labels.build()));
      offset += length + 120;
    }
    return rows;
  }

  /** Reads all of an index that decodes: a value that was let through must not break later. */
  private static void readIfPossible(ByteBuffer bytes) {
    SealedIndex index;
    try {
      index = IndexCodec.decode(bytes).index();
    } catch (PannierException.Damaged expected) {
      return;
    }
    for (int row = 0; row < Math.min(index.rows(), 400); row++) {
      index.labels(row);
      index.contentType(row);
      assertThat(index.metaLength(row)).isNotNegative();
      assertThat(index.rowAt(row)).isBetween(0, index.rows() - 1);
      assertThat(index.rowOfSequence(index.sequence(row))).isEqualTo(row);
      int position = index.lowerBound(index.timestamp(row));
      assertThat(index.timestamp(index.rowAt(position))).isEqualTo(index.timestamp(row));
    }
  }

  private static void putEdge(byte[] bytes, int at, Random random) {
    int edge = random.nextInt(IndexSamples.EDGES.size());
    ByteBuffer number =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(IndexSamples.EDGES.get(edge));
    int length = Math.min(random.nextBoolean() ? 4 : 8, bytes.length - at);
    System.arraycopy(number.array(), 0, bytes, at, length);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    var bytes = new byte[buffer.remaining()];
    buffer.get(buffer.position(), bytes);
    return bytes;
  }

  private static void assertEvenColumn(ByteBuffer read, long base, long stride) {
    assertThat(read.get()).isZero();
    assertLongs(read, base, stride);
  }

  private static void assertInts(ByteBuffer read, int... expected) {
    for (int value : expected) {
      assertThat(read.getInt()).isEqualTo(value);
    }
  }

  private static void assertLongs(ByteBuffer read, long... expected) {
    for (long value : expected) {
      assertThat(read.getLong()).isEqualTo(value);
    }
  }

  private static void assertText(ByteBuffer read, String expected) {
    byte[] utf8 = expected.getBytes(StandardCharsets.UTF_8);
    assertInts(read, utf8.length);
    var bytes = new byte[utf8.length];
    read.get(bytes);
    assertThat(bytes).isEqualTo(utf8);
  }
}
