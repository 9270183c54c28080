package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Labels;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Records to fill indexes with, and the naive reading of them that every index must agree with. */
final class IndexSamples {
  /** Numbers at which signed and unsigned arithmetic part ways, or a width ends. */
  static final List<Long> EDGES =
      List.of(
          0L,
          1L,
          127L,
          128L,
          255L,
          256L,
          65_535L,
          65_536L,
          (1L << 31) - 1,
          1L << 31,
          (1L << 32) - 1,
          1L << 32,
          Long.MAX_VALUE - 1,
          Long.MAX_VALUE,
          Long.MIN_VALUE,
          Long.MIN_VALUE + 1,
          -2L,
          -1L);

  record Row(
      long timestamp,
      long offset,
      long length,
      int metaLength,
      long sequence,
      int flags,
      String contentType,
      Labels labels) {}

  private IndexSamples() {}

  static OpenIndex indexOf(List<Row> rows) {
    var index = new OpenIndex();
    for (Row row : rows) {
      add(index, row);
    }
    return index;
  }

  static int add(OpenIndex index, Row row) {
    return index.add(
        row.timestamp,
        row.offset,
        row.length,
        row.metaLength,
        row.sequence,
        row.flags,
        row.contentType,
        row.labels);
  }

  /** Reads everything back and compares. */
  static void assertHolds(BlockIndex index, List<Row> rows) {
    var read = new ArrayList<Row>();
    for (int row = 0; row < index.rows(); row++) {
      read.add(
          new Row(
              index.timestamp(row),
              index.offset(row),
              index.length(row),
              index.metaLength(row),
              index.sequence(row),
              index.flags(row),
              index.contentType(row),
              index.labels(row)));
    }
    assertThat(read).isEqualTo(rows);
    var byTime = new ArrayList<Integer>();
    for (int position = 0; position < index.rows(); position++) {
      byTime.add(index.rowAt(position));
    }
    assertThat(byTime).isEqualTo(byTime(rows));
    var names = new TreeSet<String>();
    rows.forEach(row -> names.addAll(row.labels.toMap().keySet()));
    assertThat(index.labelNames()).containsExactlyElementsOf(names);
    for (int row = 0; row < rows.size(); row++) {
      assertThat(index.rowOfSequence(rows.get(row).sequence)).isEqualTo(row);
    }
  }

  /** Rows in order of time, by sorting. */
  static List<Integer> byTime(List<Row> rows) {
    var order = new ArrayList<Integer>();
    for (int row = 0; row < rows.size(); row++) {
      order.add(row);
    }
    Comparator<Integer> byTimestamp =
        (a, b) -> Long.compareUnsigned(rows.get(a).timestamp, rows.get(b).timestamp);
    order.sort(
        byTimestamp.thenComparing(
            (a, b) -> Long.compareUnsigned(rows.get(a).sequence, rows.get(b).sequence)));
    return order;
  }

  /** Any number, with a liking for edges and for small ones that repeat. */
  static Arbitrary<Long> numbers() {
    return Arbitraries.frequencyOf(
            Tuple.of(2, Arbitraries.of(EDGES)),
            Tuple.of(3, Arbitraries.longs().between(0, 40)),
            Tuple.of(
                3, Arbitraries.longs().between(1_700_000_000_000_000L, 1_700_000_001_000_000L)),
            Tuple.of(1, Arbitraries.longs()))
        .withoutEdgeCases();
  }

  static Arbitrary<Labels> labels() {
    Arbitrary<String> names = Arbitraries.of("a", "b", "score", "größe", "名", "B", "a.b");
    Arbitrary<String> values =
        Arbitraries.oneOf(
            Arbitraries.of(
                "", "true", "false", "1", "-7", "+5", "2.5", "1e3", "nan", "-inf", "x", "é", "🤖"),
            Arbitraries.strings().all().excludeChars(surrogates()).ofMaxLength(5),
            Arbitraries.integers().map(String::valueOf));
    return Arbitraries.maps(names, values).ofMaxSize(4).map(Labels::of);
  }

  /** Half pairs have no form in UTF-8. */
  private static char[] surrogates() {
    var all = new char[Character.MAX_SURROGATE - Character.MIN_SURROGATE + 1];
    for (int i = 0; i < all.length; i++) {
      all[i] = (char) (Character.MIN_SURROGATE + i);
    }
    return all;
  }

  /** Records of one block: in order of time or not, with equal times, with ascending sequences. */
  static Arbitrary<List<Row>> rows() {
    Arbitrary<Row> row =
        Combinators.combine(
                numbers(),
                numbers(),
                numbers(),
                Arbitraries.integers().greaterOrEqual(0),
                Arbitraries.longs().between(1, 3),
                Arbitraries.integers().between(0, 255),
                Arbitraries.of("application/octet-stream", "image/png", "text/plain", ""),
                labels())
            .as(Row::new);
    Arbitrary<Long> before = Arbitraries.of(0L, 41L, Long.MAX_VALUE - 20, -1_000L);
    return Combinators.combine(
            row.list().ofMaxSize(100),
            before,
            Arbitraries.of(true, false),
            Arbitraries.of(true, false))
        .as(IndexSamples::inSequence)
        .withoutEdgeCases();
  }

  private static List<Row> inSequence(
      List<Row> rows, long before, boolean inOrder, boolean evenly) {
    List<Integer> byTime = byTime(rows);
    var result = new ArrayList<Row>();
    long sequence = before;
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      long timestamp = inOrder ? rows.get(byTime.get(i)).timestamp : row.timestamp;
      sequence += evenly ? 1 : row.sequence;
      result.add(
          new Row(
              timestamp,
              evenly ? 64 + i * 1_128L : row.offset,
              evenly ? 1_000 : row.length,
              row.metaLength,
              sequence,
              row.flags,
              row.contentType,
              row.labels));
    }
    return result;
  }
}
