package io.pannier.query.when;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversions, durations and comparisons (when.md §3 to §6). */
class ValueTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "5s | 5000000",
        "-2s | -2000000",
        "0d | 0",
        "1h 30m | 5400000000",
        "1h -30m | 1800000000",
        "s5 | 5000000",
        "m1 | 60000000",
        "1m2 | 720000000",
        "7us | 7",
        "1ms | 1000",
        "1d | 86400000000"
      })
  void durations(String text, long micros) {
    assertThat(Durations.parse(text)).hasValue(micros);
    assertThat(Durations.parse("  " + text + "\t")).hasValue(micros);
    assertThat(Durations.parse(Durations.toText(micros))).hasValue(micros);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1h30m", "1.5s", "+5s", "5S", "5 s", "5sec", "1w", "s", "5", "--5s", "", " ", "-s"
      })
  void noDurations(String text) {
    assertThat(Durations.parse(text)).isEmpty();
  }

  @Test
  void durationTexts() {
    assertThat(Durations.toText(0)).isEqualTo("0us");
    assertThat(Durations.toText(-90_000_000)).isEqualTo("-1m -30s");
    assertThat(Durations.toText(93_600_003_000L)).isEqualTo("1d 2h 3ms");
    assertThat(Durations.toText(Long.MIN_VALUE)).startsWith("-106751991d");
  }

  @ParameterizedTest
  @CsvSource({
    "1.0, 1", "1e21, 1000000000000000000000", "1e-7, 0.0000001", "-0.0, -0", "0.1, 0.1",
    "NaN, NaN", "Infinity, inf", "-Infinity, -inf", "123.456, 123.456",
        "2e22, 20000000000000000000000"
  })
  void floatTexts(double number, String text) {
    assertThat(new Value.Real(number).asText()).isEqualTo(text);
  }

  @Test
  void comparisons() {
    assertThat(order("true", "1")).isEqualTo(Value.Order.EQUAL);
    assertThat(order("7", "7.0")).isEqualTo(Value.Order.EQUAL);
    assertThat(order("nan", "nan")).isEqualTo(Value.Order.NONE);
    assertThat(order("9007199254740993", "9007199254740992.0")).isEqualTo(Value.Order.EQUAL);
    assertThat(order("9007199254740993", "9007199254740992")).isEqualTo(Value.Order.GREATER);
    assertThat(order("x", "1")).isEqualTo(Value.Order.NONE);
    assertThat(order("Z", "a")).isEqualTo(Value.Order.LESS);
    // U+FF5E comes before U+1F600 in UTF-8, behind it in UTF-16.
    assertThat(order("\uff5e", "\ud83d\ude00")).isEqualTo(Value.Order.LESS);
    assertThat(order("ab", "abc")).isEqualTo(Value.Order.LESS);
  }

  private static Value.Order order(String left, String right) {
    return Value.compare(Value.ofLabel(left), Value.ofLabel(right));
  }

  /** Many constants become a set, which must know what comparing them one by one finds. */
  @Property(tries = 3000)
  void aSetOfConstantsIsTheSameAsOneByOne(@ForAll long seed)
      throws JsonProcessingException, Interrupt {
    var random = new Random(seed);
    var constants = new ArrayList<String>();
    for (int i = 0; i < 9 + random.nextInt(5); i++) {
      constants.add(pick(random, CONSTANTS));
    }
    String label = pick(random, LABELS);
    boolean inSet = holds("{\"$in\":[\"&v\"," + String.join(",", constants) + "]}", label);
    var each = new ArrayList<String>();
    for (String constant : constants) {
      each.add("{\"&v\":{\"$eq\":" + constant + "}}");
    }
    assertThat(inSet)
        .as("%s in %s", label, constants)
        .isEqualTo(holds("{\"$or\":[" + String.join(",", each) + "]}", label));
    assertThat(holds("{\"$nin\":[\"&v\"," + String.join(",", constants) + "]}", label))
        .isEqualTo(!inSet);
  }

  private static final List<String> CONSTANTS =
      List.of(
          "0",
          "1",
          "-1",
          "7",
          "0.0",
          "-0.0",
          "1.0",
          "7.5",
          "true",
          "false",
          "\"x\"",
          "\"7\"",
          "\"1us\"",
          "9007199254740992.0",
          "9007199254740993",
          "1e300",
          "\"\"");

  private static final List<String> LABELS =
      List.of(
          "0",
          "1",
          "-1",
          "7",
          "-0.0",
          "0.0",
          "1.0",
          "7.5",
          "true",
          "false",
          "x",
          "nan",
          "inf",
          "9007199254740993",
          "9007199254740992",
          "9007199254740992.0",
          "",
          "007",
          "1e300");

  private static String pick(Random random, List<String> from) {
    return from.get(random.nextInt(from.size()));
  }

  private static boolean holds(String when, String value)
      throws JsonProcessingException, Interrupt {
    Condition condition = Condition.parse(JSON.readTree(when));
    return new Evaluator(condition)
        .isTrue(
            condition.root(),
            new RecordFacts() {
              @Override
              public long timestamp() {
                return 0;
              }

              @Override
              public @Nullable String label(String name) {
                return name.equals("v") ? value : null;
              }
            });
  }
}
