package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.LabelType;
import io.pannier.model.Labels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LabelColumnTest {

  @ParameterizedTest
  @ValueSource(strings = {"true", "false"})
  void trueAndFalseAreBooleans(String text) {
    assertThat(LabelType.of(text)).isEqualTo(LabelType.BOOL);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "7",
        "+5",
        "-5",
        "007",
        "-0",
        "9223372036854775807",
        "-9223372036854775808",
        "+9223372036854775807",
        "-00000000000000000000009223372036854775808"
      })
  void digitsInSigned64BitsAreWholeNumbers(String text) {
    assertThat(LabelType.of(text)).isEqualTo(LabelType.INT);
    assertThat(statistics(text).intMin()).isEqualTo(Long.parseLong(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ".5",
        "5.",
        "-.5",
        "+5.",
        "1e3",
        "1E-3",
        "1.5e+7",
        "9223372036854775808",
        "-9223372036854775809",
        "1e999",
        "1e-999",
        "-0.0",
        "123456789012345678901234567890"
      })
  void decimalsAreFloats(String text) {
    assertThat(LabelType.of(text)).isEqualTo(LabelType.FLOAT);
    assertThat(statistics(text).floatMin()).isEqualTo(Double.parseDouble(text));
    assertThat(statistics(text).floatMax()).isEqualTo(Double.parseDouble(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"inf", "INF", "+inf", "Infinity", "+iNfInItY"})
  void infinityIsAFloat(String text) {
    assertThat(LabelType.of(text)).isEqualTo(LabelType.FLOAT);
    assertThat(statistics(text).floatMax()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(statistics("-inf").floatMin()).isEqualTo(Double.NEGATIVE_INFINITY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", " 1", "1 ", "1f", "1d", "1.0D", "0x10", "0x1p3", "1_000", "e5", ".e5", "1e", "1e+",
        ".", "+", "-", "+.", "--1", "1.2.3", "True", "FALSE", "infi", "nano", "ınf", "٣", "1,5",
        "infinityx", "NaN ", "+-nan", "İnf"
      })
  void theRestAreStrings(String text) {
    assertThat(LabelType.of(text)).isEqualTo(LabelType.STRING);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nan", "NaN", "+NAN", "-nan"})
  void aValueThatIsNotANumberCountsButIsInNoRange(String text) {
    var index = indexOf("2.5", text, "-1.5");
    for (BlockIndex each : List.of(index, sealed(index))) {
      LabelColumnStatistics statistics = column(each).statistics();
      assertThat(statistics.count(LabelType.FLOAT)).isEqualTo(3);
      assertThat(statistics.floatMin()).isEqualTo(-1.5);
      assertThat(statistics.floatMax()).isEqualTo(2.5);
      assertThat(statistics.hasNaN()).isTrue();
    }
    var alone = indexOf(text);
    for (BlockIndex each : List.of(alone, sealed(alone))) {
      assertThat(column(each).statistics().hasNaN()).isTrue();
      assertThat(column(each).statistics().floatMin()).isEqualTo(Double.POSITIVE_INFINITY);
      assertThat(column(each).statistics().floatMax()).isEqualTo(Double.NEGATIVE_INFINITY);
    }
    assertThat(column(sealed(indexOf("2.5", "nano"))).statistics().hasNaN()).isFalse();
  }

  @Property
  void statisticsAgreeWithTheRecords(@ForAll("rows") List<IndexSamples.Row> rows) {
    OpenIndex open = IndexSamples.indexOf(rows);
    for (BlockIndex index : List.of(open, sealed(open))) {
      for (LabelColumn column : index.labelColumns()) {
        List<String> values =
            rows.stream()
                .map(row -> row.labels().get(column.name()))
                .filter(Objects::nonNull)
                .toList();
        assertThat(column.missingCount()).isEqualTo(rows.size() - values.size());
        LabelColumnStatistics statistics = column.statistics();
        for (LabelType type : LabelType.values()) {
          assertThat(statistics.count(type))
              .isEqualTo(
                  (int) values.stream().filter(value -> LabelType.of(value) == type).count());
        }
        var ints =
            values.stream()
                .filter(value -> LabelType.of(value) == LabelType.INT)
                .mapToLong(Long::parseLong)
                .summaryStatistics();
        assertThat(statistics.intMin()).isEqualTo(ints.getMin());
        assertThat(statistics.intMax()).isEqualTo(ints.getMax());
        var floats =
            values.stream()
                .filter(value -> LabelType.of(value) == LabelType.FLOAT)
                .mapToDouble(LabelType::parseFloat)
                .filter(value -> !Double.isNaN(value))
                .summaryStatistics();
        assertThat(statistics.floatMin()).isEqualTo(floats.getMin());
        assertThat(statistics.floatMax()).isEqualTo(floats.getMax());
        for (int row = 0; row < rows.size(); row++) {
          int code = column.code(row);
          assertThat(code == 0 ? null : column.dictionary().value(code - 1))
              .isEqualTo(rows.get(row).labels().get(column.name()));
        }
      }
    }
  }

  @Test
  void equalValuesShareACodeUpTo256DifferentOnes() {
    var values = new ArrayList<String>();
    for (int i = 0; i < 1_000; i++) {
      values.add("value-" + i % 256);
    }
    var index = indexOf(values.toArray(String[]::new));
    for (BlockIndex each : List.of(index, sealed(index))) {
      assertThat(column(each).dictionary().count()).isEqualTo(256);
      assertThat(column(each).code(3)).isEqualTo(column(each).code(259));
    }
  }

  @Test
  void valuesBehindTheSharedOnesAreAppended() {
    var values = new ArrayList<String>();
    for (int i = 0; i < 70_000; i++) {
      values.add(i % 3 == 0 ? "0" : i % 500 == 1 ? "größe-" + i : "v" + i);
    }
    var index = indexOf(values.toArray(String[]::new));
    for (BlockIndex each : List.of(index, sealed(index))) {
      LabelColumnDictionary dictionary = column(each).dictionary();
      for (int row = 0; row < values.size(); row++) {
        assertThat(dictionary.value(column(each).code(row) - 1)).isEqualTo(values.get(row));
      }
      for (int i = 0; i < dictionary.count(); i++) {
        assertThat(dictionary.utf8Length(i))
            .isEqualTo(dictionary.value(i).getBytes(StandardCharsets.UTF_8).length);
      }
      assertThat(column(each).statistics().count(LabelType.INT)).isEqualTo(23_334);
    }
  }

  @Test
  void aLabelThatBeginsLateOrEndsEarlyIsMissingElsewhere() {
    var index = new OpenIndex();
    for (int row = 0; row < 100; row++) {
      Labels labels =
          row == 0 ? Labels.of("early", "1") : row == 60 ? Labels.of("late", "x") : Labels.EMPTY;
      index.add(row, row, 1, 0, row, 0, "", labels);
    }
    for (BlockIndex each : List.of(index, sealed(index))) {
      assertThat(each.labelNames()).containsExactly("early", "late");
      for (LabelColumn column : each.labelColumns()) {
        assertThat(column.missingCount()).isEqualTo(99);
      }
      assertThat(each.labels(0)).isEqualTo(Labels.of("early", "1"));
      assertThat(each.labels(60)).isEqualTo(Labels.of("late", "x"));
      assertThat(each.labels(99)).isEqualTo(Labels.EMPTY);
      assertThat(each.labelColumn("other")).isNull();
    }
  }

  @Test
  void aNameThatTheFileCannotHoldIsKeptAsTheFileWillSayIt() {
    var index = new OpenIndex();
    index.add(1, 1, 1, 0, 1, 0, "", Labels.of("a\uD800", "1", "a?", "2", "b", "3"));
    index.add(2, 2, 1, 0, 2, 0, "", Labels.of("a\uD800", "4", "b\uDC00", "5"));
    SealedIndex sealed = sealed(index);
    for (BlockIndex each : List.of(index, sealed)) {
      assertThat(each.labelNames()).containsExactly("a?", "b", "b?");
      assertThat(each.labels(1)).isEqualTo(Labels.of("a?", "4", "b?", "5"));
    }
  }

  @Provide
  static Arbitrary<List<IndexSamples.Row>> rows() {
    return IndexSamples.rows();
  }

  private static OpenIndex indexOf(String... values) {
    var index = new OpenIndex();
    for (int row = 0; row < values.length; row++) {
      index.add(row, row, 1, 0, row, 0, "", Labels.of("label", values[row]));
    }
    return index;
  }

  private static LabelColumnStatistics statistics(String value) {
    return column(indexOf(value)).statistics();
  }

  private static LabelColumn column(BlockIndex index) {
    return Objects.requireNonNull(index.labelColumn("label"));
  }

  private static SealedIndex sealed(OpenIndex index) {
    return IndexCodec.decode(IndexCodec.encode(index, List.of())).index();
  }
}
