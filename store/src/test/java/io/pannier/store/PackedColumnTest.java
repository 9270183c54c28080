package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

final class PackedColumnTest {

  @Property
  void everyColumnReadsBackExactly(@ForAll("columns") List<Long> values) {
    assertThat(read(encode(values), values.size())).isEqualTo(values);
  }

  @Property
  void aGrowingColumnHoldsWhatWasAdded(@ForAll("columns") List<Long> values) {
    for (PackedColumn.Growing column :
        List.of(PackedColumn.Growing.ofSteps(), PackedColumn.Growing.ofSmall())) {
      for (int i = 0; i < values.size(); i++) {
        column.add(values.get(i));
        assertThat(column.get(i)).isEqualTo(values.get(i));
      }
      for (int i = 0; i < values.size(); i++) {
        assertThat(column.get(i)).isEqualTo(values.get(i));
      }
      assertThat(column.rows()).isEqualTo(values.size());
    }
  }

  @Property
  void gapsInAGrowingColumnAreZeros(@ForAll("gapsAndValues") List<List<Long>> gapsAndValues) {
    var column = PackedColumn.Growing.ofSmall();
    var expected = new ArrayList<Long>();
    for (List<Long> step : gapsAndValues) {
      for (long i = 0; i < step.getFirst(); i++) {
        expected.add(0L);
      }
      column.addZeros(expected.size());
      column.add(step.getLast());
      expected.add(step.getLast());
    }
    var read = new ArrayList<Long>();
    for (int i = 0; i < column.rows(); i++) {
      read.add(column.get(i));
    }
    assertThat(read).isEqualTo(expected);
  }

  @Property
  void residualsAreNoWiderThanTheRangeOfTheValues(@ForAll("columns") List<Long> values) {
    long first = values.isEmpty() ? 0 : values.getFirst();
    long low = 0;
    long high = 0;
    for (long value : values) {
      low = Math.min(low, value - first);
      high = Math.max(high, value - first);
    }
    int bits = Long.SIZE - Long.numberOfLeadingZeros(high - low);
    int bytes = bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
    assertThat(encode(values)[0]).isLessThanOrEqualTo((byte) bytes);
  }

  @Property
  void equalStepsCostTheHeaderOnly(@ForAll("numbers") long first, @ForAll("numbers") long step) {
    var values = new ArrayList<Long>();
    var growing = PackedColumn.Growing.ofSteps();
    long empty = growing.memoryBytes();
    for (int i = 0; i < 1_000; i++) {
      values.add(first + i * step);
      growing.add(values.getLast());
    }
    assertThat(encode(values)).hasSize(PackedColumn.HEADER_BYTES);
    assertThat(read(encode(values), 1_000)).isEqualTo(values);
    assertThat(growing.memoryBytes()).isEqualTo(empty);
  }

  @Test
  void almostEqualStepsCostAByteEach() {
    var values = new ArrayList<Long>();
    for (int i = 0; i < 1_000; i++) {
      values.add(1_700_000_000_000_000L + i * 10_000L + i * 37 % 200);
    }
    assertThat(encode(values)).hasSize(PackedColumn.HEADER_BYTES + 1_000);
  }

  @Test
  void theLayoutIsTheOneInTheFormat() {
    assertThat(encode(List.of(1_000L, 2_000L, 3_001L)))
        .containsExactly(
            1, // width
            (byte) 0xe8,
            3,
            0,
            0,
            0,
            0,
            0,
            0, // base
            (byte) 0xe8,
            3,
            0,
            0,
            0,
            0,
            0,
            0, // stride
            0,
            0,
            1);
  }

  @Test
  void rowsThatAreNotThereAreRefused() {
    byte[] bytes = encode(List.of(1L, 5L, 2L));
    var column = new IndexCodec.Reader(bytes).column(3);
    assertThatThrownBy(() -> column.get(3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> column.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Property
  void zerosAreCountedAndTooLargeValuesFound(
      @ForAll("columns") List<Long> values, @ForAll("numbers") long max) {
    var column = new IndexCodec.Reader(encode(values)).column(values.size());
    boolean fits = values.stream().allMatch(value -> Long.compareUnsigned(value, max) <= 0);
    long zeros = values.stream().filter(value -> value == 0).count();
    assertThat(column.zerosIfAtMost(max)).isEqualTo(fits ? (int) zeros : -1);
  }

  @Provide
  static Arbitrary<Long> numbers() {
    return IndexSamples.numbers();
  }

  /** Lines with noise of any size, and plain mixtures. */
  @Provide
  static Arbitrary<List<Long>> columns() {
    Arbitrary<List<Long>> lines =
        Combinators.combine(
                numbers(),
                numbers(),
                Arbitraries.integers().between(0, 64),
                Arbitraries.longs().list().ofMaxSize(80))
            .as(PackedColumnTest::line);
    return Arbitraries.oneOf(lines, numbers().list().ofMaxSize(80)).withoutEdgeCases();
  }

  private static List<Long> line(long first, long step, int noiseBits, List<Long> noise) {
    var values = new ArrayList<Long>();
    for (int i = 0; i < noise.size(); i++) {
      values.add(first + i * step + (noiseBits == 0 ? 0 : noise.get(i) >>> (64 - noiseBits)));
    }
    return values;
  }

  @Provide
  static Arbitrary<List<List<Long>>> gapsAndValues() {
    return Combinators.combine(
            Arbitraries.longs().between(0, 30),
            Arbitraries.of(1L, 1L, 2L, 255L, 256L, 65_535L, 65_536L))
        .as((gap, value) -> List.of(gap, value))
        .list()
        .ofMaxSize(30)
        .withoutEdgeCases();
  }

  private static byte[] encode(List<Long> values) {
    var out = new IndexCodec.Writer(0);
    PackedColumn.encode(values.stream().mapToLong(Long::longValue).toArray(), values.size(), out);
    return Arrays.copyOf(out.bytes(), out.size());
  }

  private static List<Long> read(byte[] bytes, int rows) {
    var in = new IndexCodec.Reader(bytes);
    PackedColumn column = in.column(rows);
    assertThat(in.remaining()).isZero();
    var values = new ArrayList<Long>();
    for (int row = 0; row < rows; row++) {
      values.add(column.get(row));
    }
    return values;
  }
}
