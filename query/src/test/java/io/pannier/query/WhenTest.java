package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Conditions at work on stored records. */
class WhenTest {
  private final TestStore t = new TestStore();
  private final Queries queries = t.queries();

  @AfterEach
  void close() {
    queries.close();
    t.close();
  }

  static List<WhenVectors.One> ones() {
    return WhenVectors.ones();
  }

  static List<WhenVectors.Row> rows() {
    return WhenVectors.rows();
  }

  private static QueryOptions options(String json) {
    return QueryOptions.parse(Json.object(json.getBytes(StandardCharsets.UTF_8)));
  }

  private static String body(String when, boolean strict, String more) {
    return "{\"query_type\":\"QUERY\",\"strict\":" + strict + more + ",\"when\":" + when + "}";
  }

  private Query start(String json) {
    var body = Json.object(json.getBytes(StandardCharsets.UTF_8));
    return queries.start("me", t.bucket, t.bucket.entry("e"), QueryOptions.parse(body), body);
  }

  /** Times, or the error. */
  private String read(Query query, int batch) {
    var all = new ArrayList<String>();
    for (; ; ) {
      var sink = new ListSink(batch);
      var outcome = new ArrayList<ReadOutcome>();
      query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome::add);
      t.executor.runAll();
      if (outcome.getFirst() instanceof ReadOutcome.Failed(PannierException error)) {
        return (error instanceof PannierException.NotFound ? "404" : "422")
            + " at read: "
            + error.getMessage();
      }
      all.addAll(sink.records);
      if (outcome.getFirst() instanceof ReadOutcome.Nothing
          || (outcome.getFirst() instanceof ReadOutcome.Batch(boolean last) && last)) {
        return String.join(" ", all);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("ones")
  void oneRecord(WhenVectors.One vector) {
    t.write("e", 1000, vector.labels().toArray(new String[0]));
    String outcome;
    try {
      outcome = read(start(body(vector.when(), vector.strict(), "")), 10);
    } catch (PannierException.Invalid e) {
      outcome =
          "422 at query: " + String.valueOf(e.getMessage()).replaceFirst("id=[0-9]+$", "id=<id>");
    }
    assertThat(outcome.equals("e@1000") ? "PASS" : outcome.isEmpty() ? "DROP" : outcome)
        .isEqualTo(vector.outcome());
  }

  private void tenRecords() {
    for (int n = 0; n < 10; n++) {
      t.write("e", (n + 1) * 1_000_000L, "n", "" + n, "odd", "" + (n % 2 == 1));
    }
  }

  private static String times(List<Integer> chosen) {
    return String.join(" ", chosen.stream().map(n -> "e@" + (n + 1) * 1_000_000L).toList());
  }

  @ParameterizedTest
  @MethodSource("rows")
  void tenRecords(WhenVectors.Row vector) {
    tenRecords();
    for (int batch : new int[] {1, 2, 3, 100}) {
      assertThat(read(start(body(vector.when(), vector.strict(), "")), batch))
          .as("batches of %s", batch)
          .isEqualTo(times(vector.chosen()));
    }
  }

  // ---------------------------------------------------------------- other situations

  private void tenRecordsOneWithoutN() {
    for (int n = 0; n < 10; n++) {
      if (n == 5) {
        t.write("e", (n + 1) * 1_000_000L);
      } else {
        t.write("e", (n + 1) * 1_000_000L, "n", "" + n);
      }
    }
  }

  @Test
  void missingLabels() {
    tenRecordsOneWithoutN();
    String gte = "\"&n\":{\"$gte\":0}";
    assertThat(read(start(body("{" + gte + "}", false, "")), 100))
        .isEqualTo(times(List.of(0, 1, 2, 3, 4, 6, 7, 8, 9)));
    assertThat(read(start(body("{" + gte + "}", true, "")), 100))
        .isEqualTo("404 at read: Reference 'n' not found");
    assertThat(read(start(body("{\"$has\":\"n\"," + gte + "}", true, "")), 100))
        .isEqualTo(times(List.of(0, 1, 2, 3, 4, 6, 7, 8, 9)));
    assertThat(read(start(body("{\"$each_n\":2," + gte + "}", false, "")), 100))
        .isEqualTo(times(List.of(1, 3, 7, 9)));
    assertThat(read(start(body("{" + gte + ",\"$each_n\":2}", false, "")), 100))
        .isEqualTo(times(List.of(1, 3, 6, 8)));
    assertThat(read(start(body("{" + gte + ",\"$limit\":3}", true, "")), 100))
        .isEqualTo(times(List.of(0, 1, 2)));
  }

  @Test
  void aStrictErrorEndsTheQuery() {
    tenRecordsOneWithoutN();
    Query query = start(body("{\"&n\":{\"$gte\":0}}", true, ""));
    var sink = new ListSink(3);
    query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome -> {});
    t.executor.runAll();
    assertThat(sink.records).containsExactly("e@1000000", "e@2000000", "e@3000000");
    assertThat(read(query, 3)).isEqualTo("404 at read: Reference 'n' not found");
    assertThat(read(query, 3)).isEmpty();
  }

  @Test
  void contextStaysInTheRange() {
    tenRecords();
    String range = ",\"start\":4000000,\"stop\":8000000";
    String four = "\"&n\":{\"$eq\":4}";
    assertThat(read(start(body("{\"#ctx_before\":2," + four + "}", true, range)), 100))
        .isEqualTo(times(List.of(3, 4)));
    assertThat(read(start(body("{\"#ctx_before\":\"5s\"," + four + "}", true, range)), 100))
        .isEqualTo(times(List.of(3, 4)));
    assertThat(read(start(body("{\"#ctx_after\":5," + four + "}", true, range)), 100))
        .isEqualTo(times(List.of(4, 5, 6)));
    assertThat(read(start(body("{\"$each_n\":2}", true, range)), 100))
        .isEqualTo(times(List.of(4, 6)));
  }

  @Test
  void ofARepeatedKeyTheLastCounts() {
    tenRecords();
    assertThat(read(start(body("{\"&n\":{\"$gt\":3},\"&n\":{\"$lt\":6}}", true, "")), 100))
        .isEqualTo(times(List.of(0, 1, 2, 3, 4, 5)));
  }

  @Test
  void everyEntryIsJudgedForItself() {
    for (int i = 1; i <= 6; i++) {
      if (i % 2 == 1) {
        t.write("A", i, "n", "1");
      } else {
        t.write("B", i);
      }
    }
    assertThat(read(many(body("{\"$limit\":1}", true, "")), 100)).isEqualTo("A@1 B@2");
    assertThat(read(many(body("{\"$each_n\":2}", true, "")), 100)).isEqualTo("A@3 B@4");
    assertThat(read(many(body("{\"&n\":{\"$gt\":0}}", true, "")), 100))
        .isEqualTo("404 at read: Reference 'n' not found");
  }

  private Query many(String json) {
    return queries.start("me", t.bucket, options(json), null);
  }

  @Test
  void removalsHonourTheWholeCondition() {
    tenRecords();
    assertThat(remove("{\"&n\":{\"$eq\":4},\"#ctx_before\":1}", false)).isEqualTo(2);
    assertThat(read(start(body("{}", false, "")), 100))
        .isEqualTo(times(List.of(0, 1, 2, 5, 6, 7, 8, 9)));
    assertThat(remove("{\"$each_n\":4}", false)).isEqualTo(2);
    assertThat(read(start(body("{}", false, "")), 100)).isEqualTo(times(List.of(0, 1, 2, 6, 7, 8)));
    assertThat(remove("{\"$limit\":1}", false)).isEqualTo(1);
    assertThat(remove("{\"&n\":{\"$gt\":7}}", false)).isEqualTo(1);
    assertThat(read(start(body("{}", false, "")), 100)).isEqualTo(times(List.of(1, 2, 6, 7)));
  }

  private long remove(String when, boolean strict) {
    return queries.remove(
        t.bucket.entry("e"), options(body(when, strict, "").replace("QUERY", "REMOVE")));
  }

  @Test
  void aStrictRemovalThatFailsRemovesNothing() {
    tenRecordsOneWithoutN();
    assertThatThrownBy(() -> remove("{\"&n\":{\"$gte\":0}}", true))
        .isInstanceOf(PannierException.NotFound.class)
        .hasMessage("Reference 'n' not found");
    assertThat(t.bucket.entry("e").info().recordCount()).isEqualTo(10);
  }

  @Test
  void aContinuousQueryBeginsAnewWhenALimitEndsIt() {
    t.write("e", 1);
    t.write("e", 2);
    t.write("e", 3);
    Query query = start(body("{\"$limit\":2}", false, ",\"continuous\":true"));
    assertThat(readOnce(query)).containsExactly("e@1", "e@2");
    assertThat(readOnce(query)).containsExactly("e@3");
    t.write("e", 4);
    assertThat(readOnce(query)).containsExactly("e@4");
    t.write("e", 5);
    assertThat(readOnce(query)).containsExactly("e@5");
  }

  @Test
  void aContinuousQueryKeepsWhatItsConditionRemembers() {
    for (int i = 1; i <= 3; i++) {
      t.write("e", i);
    }
    Query query = start(body("{\"$each_n\":2}", false, ",\"continuous\":true"));
    assertThat(readOnce(query)).containsExactly("e@2");
    t.write("e", 4);
    assertThat(readOnce(query)).containsExactly("e@4");
  }

  @Test
  void theLargestTimeIsGivenOnce() {
    t.write("e", -2);
    t.write("e", -1);
    Query query = start(body("{\"$limit\":1}", false, ",\"continuous\":true"));
    assertThat(readOnce(query)).containsExactly("e@18446744073709551614");
    assertThat(readOnce(query)).containsExactly("e@18446744073709551615");
    assertThat(readOnce(query)).isEmpty();
    assertThat(read(start(body("{\"$has\":\"x\",\"#ctx_after\":1}", false, "")), 1)).isEmpty();
    assertThat(read(start(body("{\"$each_n\":2,\"#ctx_before\":1}", false, "")), 1))
        .isEqualTo("e@18446744073709551614 e@18446744073709551615");
  }

  @Test
  void aLimitOfNothingOnAContinuousQueryWaits() {
    t.write("e", 1);
    Query query = start(body("{\"$limit\":0}", false, ",\"continuous\":true"));
    var sink = new ListSink(10);
    var outcome = new ArrayList<ReadOutcome>();
    query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome::add);
    t.executor.runAll();
    assertThat(outcome).isEmpty();
    t.timers.pass(6000);
    assertThat(outcome).containsExactly(new ReadOutcome.Nothing());
  }

  private List<String> readOnce(Query query) {
    var sink = new ListSink(10);
    query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome -> {});
    t.executor.runAll();
    return sink.records;
  }

  // ---------------------------------------------------------------- ours

  @Test
  void textComparesWhatIsStored() {
    t.write("e", 1, "id", "07");
    t.write("e", 2, "id", "7");
    t.write("e", 3);
    assertThat(read(start(body("{\"$eq\":[{\"$text\":\"&id\"},\"07\"]}", false, "")), 9))
        .isEqualTo("e@1");
    assertThat(read(start(body("{\"$eq\":[{\"$text\":[{\"$ref\":\"id\"}]},\"7\"]}", false, "")), 9))
        .isEqualTo("e@2");
    assertThat(read(start(body("{\"$eq\":[{\"$text\":\"&id\"},\"07\"]}", true, "")), 9))
        .isEqualTo("404 at read: Reference 'id' not found");
    assertThatThrownBy(() -> start(body("{\"$text\":[]}", false, "")))
        .hasMessage("$text requires exactly one operand");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"limit\":3 = 0 1 2",
        "\"each_n\":4 = 3 7",
        "\"each_s\":2.5 = 3 6 9",
        "\"include\":{\"odd\":\"true\"} = 1 3 5 7 9",
        "\"include\":{\"odd\":\"true\",\"n\":\"3\"} = 3",
        "\"exclude\":{\"odd\":\"true\"} = 0 2 4 6 8",
        "\"exclude\":{\"odd\":\"true\",\"n\":\"3\"} = 0 1 2 4 5 6 7 8 9",
        "\"exclude\":{\"other\":\"x\"},\"strict\":true = 0 1 2 3 4 5 6 7 8 9",
        "\"include\":{\"odd\":\"true\"},\"each_n\":2,\"limit\":2 = 3 7",
        "\"when\":{\"&n\":{\"$gt\":2}},\"limit\":2 = 3 4"
      })
  void parametersOfOlderVersions(String line) {
    tenRecords();
    String json = line.substring(0, line.indexOf(" = "));
    var expected = new ArrayList<Integer>();
    for (String n : line.substring(line.indexOf(" = ") + 3).split(" ", -1)) {
      expected.add(Integer.valueOf(n));
    }
    assertThat(read(start("{\"query_type\":\"QUERY\"," + json + "}"), 100))
        .isEqualTo(times(expected));
    long removed =
        queries.remove(
            t.bucket.entry("e"), options("{\"query_type\":\"REMOVE\",\"start\":0," + json + "}"));
    assertThat(removed).isEqualTo(expected.size());
  }

  // ---------------------------------------------------------------- hostile

  @Test
  void whatKillsTheReference() {
    t.write("e", 1, "z", "0", "m", "-9223372036854775808");
    assertThat(read(start(body("{\"$rem\":[5,\"&z\"]}", true, "")), 9))
        .isEqualTo("422 at read: Cannot divide by zero");
    assertThat(read(start(body("{\"$rem\":[5,\"0s\"]}", true, "")), 9))
        .isEqualTo("422 at read: Cannot divide by zero");
    assertThat(read(start(body("{\"$eq\":[{\"$rem\":[\"&m\",-1]},0]}", true, "")), 9))
        .isEqualTo("e@1");
    assertThat(read(start(body("{\"$eq\":[{\"$div_num\":[\"&m\",-1]},\"&m\"]}", true, "")), 9))
        .isEqualTo("e@1");
    for (String number : List.of("9223372036854775808", "18446744073709551615")) {
      assertThatThrownBy(() -> start(body("{\"&z\":{\"$eq\":" + number + "}}", false, "")))
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessage("Integer value out of range: " + number);
      assertThatThrownBy(() -> start(body("{\"#ctx_after\":" + number + "}", false, "")))
          .hasMessage("Directive '#ctx_after' contains integer value out of range: " + number);
    }
    assertThat(read(start(body("{\"&z\":{\"$lt\":18446744073709551616}}", true, "")), 9))
        .isEqualTo("e@1");
  }

  @Test
  void deepAndLongConditions() {
    t.write("e", 1, "n", "99999");
    String deep = "{\"$and\":[".repeat(62) + "true" + "]}".repeat(62);
    assertThat(read(start(body(deep, true, "")), 9)).isEqualTo("e@1");
    String deeper = "{\"$and\":[".repeat(130) + "true" + "]}".repeat(130);
    assertThatThrownBy(() -> start(body(deeper, true, "")))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("Invalid JSON: ");
    var numbers = new StringBuilder("\"&n\"");
    for (int i = 0; i < 100_000; i++) {
      numbers.append(',').append(i);
    }
    assertThat(read(start(body("{\"$in\":[" + numbers + "]}", true, "")), 9)).isEqualTo("e@1");
    assertThat(read(start(body("{\"$nin\":[" + numbers + "]}", true, "")), 9)).isEmpty();
    String giant = "x".repeat(1_000_000);
    assertThat(read(start(body("{\"&n\":{\"$ne\":\"" + giant + "\"}}", true, "")), 9))
        .isEqualTo("e@1");
    assertThatThrownBy(() -> start(body("{\"$eq\":[1e999,1]}", true, "")))
        .hasMessageStartingWith("Invalid JSON: number out of range");
  }
}
