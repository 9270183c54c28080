package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.store.StoredRecord;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Queries with extensions, with those of {@link WordsExtension} and {@link JoinExtension}. */
class ExtensionTest {
  private final TestStore t = new TestStore();
  private Queries queries = t.queries();

  @AfterEach
  void close() {
    queries.close();
    t.executor.runAll();
    t.close();
  }

  private static ObjectNode json(String text) {
    return Json.object(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
  }

  private Query start(String members) {
    ObjectNode body = json("{'query_type':'QUERY'" + members + "}");
    return queries.start("me", t.bucket, QueryOptions.parse(body), body);
  }

  private Query when(String when) {
    return start(",'when':" + when);
  }

  private static final class Reading {
    final ItemListSink sink;
    final List<ReadOutcome> outcomes = new ArrayList<>();

    Reading(int max) {
      sink = new ItemListSink(max);
    }

    ReadOutcome outcome() {
      assertThat(outcomes).hasSize(1);
      return outcomes.getFirst();
    }

    @Nullable String error() {
      return outcome() instanceof ReadOutcome.Failed(PannierException e) ? e.getMessage() : null;
    }
  }

  /** Begins to read; nothing runs before the executor is told to. */
  private Reading begin(Query query, int max) {
    var reading = new Reading(max);
    query.read(reading.sink, ReadLimits.DEFAULT, false, t.executor, reading.outcomes::add);
    return reading;
  }

  private Reading read(Query query, int max) {
    var reading = begin(query, max);
    t.executor.runAll();
    return reading;
  }

  private List<String> readAll(Query query) {
    var all = new ArrayList<String>();
    for (; ; ) {
      Reading reading = read(query, 85);
      all.addAll(reading.sink.items);
      if (reading.outcome() instanceof ReadOutcome.Nothing
          || (reading.outcome() instanceof ReadOutcome.Batch(boolean last) && last)) {
        return all;
      }
      assertThat(reading.error()).isNull();
    }
  }

  // ---------------------------------------------------------------- registration

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'#ext':{'a':{}}}||Unknown extension 'a' in query id=<id>",
        "|{'a':{}}|Unknown extension 'a' in query id=<id>",
        "{}|{}|Extension name is not found in query id=<id>",
        "{'#ext':[]}||Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "|[]|Extension name is not found in query id=<id>",
        "{'#ext':'abc'}||Directive '#ext' must be a JSON object or an array of JSON objects in query id=<id>: expected value at line 1 column 1",
        "{'#ext':5}||Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "{'#ext':[5]}||Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "{'#ext':[5,6]}||Each '#ext' pipeline step must be a JSON object in query id=<id>",
        "{'#ext':[{'a':{}},{'b':{}}]}||Unknown extension 'a' in query id=<id> at step 0",
        "{'#ext':[{'words':{}},{'b':{}}]}||Unknown extension 'b' in query id=<id> at step 1",
        "{'#ext':{'a':{},'b':{}}}||Unknown extension 'a' in query id=<id> at step 0",
        "{'#ext':[{'a':{},'b':{}}]}||Unknown extension 'a' in query id=<id> at step 0",
        "|[{'a':{},'b':{}}]|Multiple extensions are not supported in query id=<id>",
        "{'#ext':{'a':{},'b':{},'when':{}}}||Multiple extensions are not supported in query id=<id>",
        "{'#ext':{'when':{}}}||Extension name is not found in query id=<id>",
        "{'#ext':{'a':{},'when':{'$xx':[1]}}}||Operator '$xx' not supported",
        "{'#ext':{'a':{},'when':null}}||Null type is not supported: null",
        "{'#ext':[{'a':{},'c':{}},{'b':{}}]}||Each '#ext' pipeline step must contain exactly one extension in query id=<id>",
        "|'x'|Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "|[{'a':{}}]|Unknown extension 'a' in query id=<id>",
        "{'#ext':null}||Directive '#ext' cannot be null",
        "{'#ext':{'a':5}}|{'zz':{}}|Unknown extension 'a' in query id=<id>",
        "{'#ext':{'words':{'refuse':'not today'}}}||not today",
      })
  void whatIsWrongIsToldWithTheReferencesWords(
      @Nullable String when, @Nullable String ext, String text) {
    t.write("e", 1);
    var body = json("{'query_type':'QUERY'}");
    if (when != null) {
      body.set("when", json("{'x':" + when + "}").get("x"));
    }
    if (ext != null) {
      body.set("ext", json("{'x':" + ext + "}").get("x"));
    }
    assertThatThrownBy(() -> queries.start("me", t.bucket, QueryOptions.parse(body), body))
        .isInstanceOf(PannierException.Invalid.class)
        .satisfies(e ->
            assertThat(String.valueOf(e.getMessage()).replaceAll("id=\\d+", "id=<id>"))
                .isEqualTo(text));
    assertThat(queries.count()).isZero();
  }

  @Test
  void aTextThatIsJsonIsReadAndMoreThanSixteenStepsAreRefused() {
    t.write("e", 1, "a b", Labels.EMPTY);
    assertThat(readAll(when("{'#ext':'{\\'words\\':{}}'}"))).hasSize(2);
    String many = "{'words':{}},".repeat(16);
    assertThatThrownBy(() -> when("{'#ext':[" + many + "{'words':{}}]}"))
        .hasMessageStartingWith("Too many '#ext' pipeline steps: at most 16 are supported");
    assertThat(readAll(when("{'#ext':[" + many.substring(0, many.length() - 1) + "]}"))).hasSize(2);
  }

  @Test
  void aRecordThatIsGoneIsNotCutIntoNothing() {
    t.write("e", 10, "a b", Labels.EMPTY);
    StoredRecord record = t.bucket.entry("e").find(10);
    try (var threads = Extensions.open(ExtensionOptions.DEFAULT, t.clock, t.timers)) {
      var waiting = new Queries(t.clock, new Random(1), t.timers, threads);
      try (RecordCut cut = waiting.cut(record, json("{'words':{}}"))) {
        assertThat(cut.next()).hasSize(2);
        assertThat(cut.next()).isEmpty();
      }
      t.bucket.entry("e").remove(10);
      try (RecordCut cut = waiting.cut(record, json("{'words':{}}"))) {
        assertThatThrownBy(cut::next).isInstanceOf(PannierException.NotFound.class);
      }
      waiting.close();
    }
  }

  // ---------------------------------------------------------------- steps

  @Test
  void aRecordBecomesItemsThatAStrictConditionJudges() {
    t.write("e", 10, "a b c d", Labels.of("k", "v"));
    t.write("e", 20, "x", Labels.of("k", "w"));
    assertThat(readAll(when("{'#ext':{'words':{},'when':{'@at':{'$lt':2}}}}")))
        .containsExactly(
            "e@10 a {k=v} @{at=0, word=a}",
            "e@11 b {k=v} @{at=1, word=b}",
            "e@20 x {k=w} @{at=0, word=x}");
    // The main condition and its labels come first; stored labels are there for that of the step.
    assertThat(readAll(when("{'&k':{'$eq':'w'},'#select_labels':['none'],'#ext':{'words':{}}}")))
        .containsExactly("e@20 x @{at=0, word=x}");
    assertThat(readAll(when("{'#ext':{'words':{},'when':{'&k':{'$eq':'w'}}}}"))).hasSize(1);
  }

  @Test
  void stepsFollowEachOtherAndComputedLabelsSurvive() {
    t.write("e", 10, "a b c d e", Labels.EMPTY);
    assertThat(
            readAll(when("{'#ext':[{'words':{},'when':{'@word':{'$ne':'b'}}},{'join':{'of':2}}]}")))
        .containsExactly("e@10 a+c @{at=2, count=2, word=c}", "e@13 d+e @{at=4, count=2, word=e}");
    assertThat(readAll(when("{'#ext':{'words':{},'join':{}}}")))
        .containsExactly("e@10 a+b+c+d+e @{count=5}");
  }

  @Test
  void whatIsHeldBackPassesLaterConditionsOnly() {
    t.write("e", 10, "a b c", Labels.EMPTY);
    String join = "{'join':{'of':2},'when':{'@at':{'$lt':9}}}";
    assertThat(readAll(when("{'#ext':[{'words':{}}," + join + "]}")))
        .containsExactly("e@10 a+b @{at=1, count=2, word=b}", "e@12 c @{count=1}");
    assertThat(
            readAll(
                when(
                    "{'#ext':[{'words':{}},"
                        + join
                        + ",{'words':{},'when':{'@count':{'$eq':1}}}]}")))
        .containsExactly("e@12 c @{at=0, count=1, word=c}");
  }

  @Test
  void aLimitOfTheLastStepEndsTheQueryAndGivesWhatIsHeldBack() {
    t.write("e", 10, "a b c", Labels.EMPTY);
    t.write("e", 20, "FAIL", Labels.EMPTY);
    assertThat(readAll(when("{'#ext':{'words':{},'when':{'$limit':2}}}"))).hasSize(2);
    assertThat(
            readAll(when("{'#ext':[{'words':{}},{'join':{'per_record':1},'when':{'$limit':2}}]}")))
        .containsExactly("e@10 a @{at=0, count=1, word=a}", "e@11 b @{at=1, count=1, word=b}");
    assertThat(readAll(when("{'#ext':[{'words':{}},{'join':{},'when':{'$limit':2}}]}")))
        .containsExactly("e@10 a+b @{count=2}");
  }

  @Test
  void contextAndSelectedLabelsWorkOnItems() {
    t.write("e", 10, "a b c d e f", Labels.of("k", "v", "l", "w"));
    assertThat(
            readAll(
                when(
                    "{'#ext':{'words':{},'when':{'@word':{'$eq':'c'},'#ctx_before':1,"
                        + "'#ctx_after':'1us','#select_labels':['k']}}}")))
        .containsExactly(
            "e@11 b {k=v} @{at=1, word=b}",
            "e@12 c {k=v} @{at=2, word=c}",
            "e@13 d {k=v} @{at=3, word=d}");
  }

  // ---------------------------------------------------------------- errors

  @Test
  void anErrorIsToldWhereItIsAndTheNextRecordFollows() {
    t.write("e", 10, "a FAIL b", Labels.EMPTY);
    t.write("e", 20, "CRASH", Labels.EMPTY);
    t.write("e", 30, "c", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{}}}");
    Reading first = read(query, 85);
    assertThat(first.sink.items).containsExactly("e@10 a @{at=0, word=a}");
    assertThat(read(query, 85).error()).isEqualTo("Word 'FAIL' failed in record e/10");
    assertThat(read(query, 85).error())
        .isEqualTo("Extension failed: java.lang.IllegalStateException: crashed in record e/20");
    assertThat(readAll(query)).containsExactly("e@30 c @{at=0, word=c}");
  }

  @Test
  void aMissingLabelInAConditionOfAStepIsAnError() {
    t.write("e", 10, "a", Labels.EMPTY);
    t.write("e", 20, "b", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{},'when':{'@nope':{'$eq':1}}}}");
    for (int i = 0; i < 2; i++) {
      Reading reading = read(query, 85);
      assertThat(reading.outcome())
          .isInstanceOfSatisfying(
              ReadOutcome.Failed.class,
              failed -> assertThat(failed.error()).isInstanceOf(PannierException.NotFound.class));
      assertThat(reading.error()).isEqualTo("Reference '@nope' not found");
    }
    assertThat(read(query, 85).outcome()).isEqualTo(new ReadOutcome.Nothing());
  }

  @Test
  void aStrictMainConditionEndsTheQuery() {
    t.write("e", 10, "a", Labels.of("k", "v"));
    t.write("e", 20, "b", Labels.EMPTY);
    Query query = start(",'strict':true,'when':{'&k':{'$eq':'v'},'#ext':{'join':{}}}");
    var reading = read(query, 85);
    while (reading.error() == null) {
      reading = read(query, 85);
    }
    assertThat(reading.error()).isEqualTo("Reference 'k' not found");
    assertThat(read(query, 85).outcome()).isEqualTo(new ReadOutcome.Nothing());
  }

  @Test
  void cpuTimeAndMemoryAreBounded() {
    queries.close();
    queries =
        t.queries(new ExtensionOptions(1, 1_000_000_000L, 1000, 10_000_000, Optional.empty()));
    t.write("e", 10, "NEEDS:1000 NEEDS:1001", Labels.EMPTY);
    t.write("e", 20, "b", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{}}}");
    assertThat(read(query, 85).sink.items).hasSize(1);
    assertThat(read(query, 85).error())
        .isEqualTo(
            "Extensions need more than 1000 bytes of memory (PANNIER_EXT_MEMORY) in record e/10");
    assertThat(readAll(query)).hasSize(1);
  }

  @Test
  void whatSpoolsToAFileIsReadBackAndBounded() {
    queries.close();
    queries = t.queries(new ExtensionOptions(1, 1_000_000_000L, 1000, 3_000_000, Optional.empty()));
    String large = "x".repeat(1_000_000);
    for (int i = 0; i < 4; i++) {
      t.write("e", i, large, Labels.EMPTY);
    }
    assertThat(readAll(start(",'stop':2,'ext':{'join':{}}")))
        .containsExactly("e@0 " + large + "+" + large + " @{count=2}");
    assertThat(read(start(",'ext':{'join':{}}"), 85).error())
        .isEqualTo(
            "Extensions need more than 3000000 bytes in temporary files"
                + " (PANNIER_EXT_SCRATCH_SIZE) in record e/2");
  }

  // ---------------------------------------------------------------- batches, waiting

  @Test
  void equalTimesCloseTheBatch() {
    t.write("e", 10, "a b c", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{'same_time':1}}}");
    for (String word : List.of("a", "b")) {
      Reading reading = read(query, 85);
      assertThat(reading.outcome()).isEqualTo(new ReadOutcome.Batch(false));
      assertThat(reading.sink.items).singleElement().asString().contains("word=" + word);
    }
    assertThat(readAll(query)).hasSize(1);
  }

  @Test
  void aFullBatchEndsAndTheRestComesLater() {
    t.write("e", 10, "a b c d e f g", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{}}}");
    assertThat(read(query, 3).sink.items).hasSize(3);
    assertThat(read(query, 3).sink.items).hasSize(3);
    assertThat(read(query, 3).sink.items).hasSize(1);
    assertThat(read(query, 3).outcome()).isEqualTo(new ReadOutcome.Nothing());
  }

  @Test
  void aReadWaitsForItsTimeAndWhatIsMadeAfterwardsComesLater() {
    t.write("e", 10, "a", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{}}}");
    Reading reading = begin(query, 85);
    t.executor.runOne(); // it looks, finds nothing and asks for more
    t.timers.pass(4_999);
    assertThat(reading.outcomes).isEmpty();
    t.timers.pass(1); // the turn still waits behind others
    t.executor.runLast();
    assertThat(reading.outcome()).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(reading.sink.items).isEmpty();
    t.executor.runAll();
    assertThat(readAll(query)).containsExactly("e@10 a @{at=0, word=a}");
  }

  @Test
  void whatASinkRefusesComesWithTheNextReadAndNothingIsLost() {
    t.write("e", 10, "a b c", Labels.EMPTY);
    Query query = when("{'#ext':{'words':{}}}");
    var outcomes = new ArrayList<ReadOutcome>();
    var sink =
        new ItemListSink(85) {
          @Override
          public boolean add(Item item) {
            if (items.size() == 1) {
              throw new PannierException.TooMany("Too much", 1);
            }
            return super.add(item);
          }
        };
    query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcomes::add);
    t.executor.runAll();
    assertThat(outcomes).containsExactly(new ReadOutcome.Batch(false));
    assertThat(sink.items).hasSize(1);
    assertThat(readAll(query)).hasSize(2);
  }

  @Test
  void aCutThatIsGivenUpIsNotTakenForDone() {
    t.write("e", 10, "a b", Labels.EMPTY);
    var record = t.bucket.entry("e").find(10);
    try (var cut = queries.cut(record, json("{'words':{}}"))) {
      queries.close();
      assertThatThrownBy(cut::next).isInstanceOf(PannierException.Unavailable.class);
    }
  }

  @Test
  void workThatNobodyWantsStopsWithTheQuery() {
    t.write("e", 10, "a", Labels.EMPTY);
    Query query = start(",'ttl':3,'when':{'#ext':{'words':{}}}");
    Reading reading = begin(query, 85);
    t.executor.runOne();
    queries.close();
    t.executor.runAll();
    assertThat(reading.outcome()).isEqualTo(new ReadOutcome.Nothing());
    assertThat(queries.count()).isZero();
  }

  @Test
  void aContinuousQueryIsFlushedWheneverItRunsDry() {
    t.write("e", 10, "a", Labels.EMPTY);
    t.write("e", 20, "b", Labels.EMPTY);
    Query query = start(",'continuous':true,'when':{'#ext':{'join':{'of':3}}}");
    Reading first = read(query, 85);
    assertThat(first.outcome()).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(first.sink.items).containsExactly("e@10 a+b @{count=2}");
    Reading waiting = read(query, 85);
    assertThat(waiting.outcomes).isEmpty();
    t.write("e", 30, "c", Labels.EMPTY);
    t.executor.runAll();
    assertThat(waiting.sink.items).containsExactly("e@30 c @{count=1}");
    Reading last = read(query, 85);
    t.timers.pass(5_000);
    t.executor.runAll();
    assertThat(last.outcome()).isEqualTo(new ReadOutcome.Nothing());
  }

  @Test
  void aStepThatDoesNotStopLosesItsQueryAndNobodyElse() throws InterruptedException {
    WordsExtension.hanging = new CountDownLatch(1);
    WordsExtension.hung = new CountDownLatch(1);
    t.write("e", 10, "HANG", Labels.EMPTY);
    t.write("f", 10, "x", Labels.EMPTY);
    Query query = start(",'ttl':1000,'entries':['e'],'ext':{'words':{}}");
    Reading first = begin(query, 85);
    t.executor.runOne();
    var thread = new Thread(t.executor::runOne);
    thread.start();
    WordsExtension.hung.await();
    t.timers.pass(5_000);
    t.executor.runAll();
    assertThat(first.outcome()).isEqualTo(new ReadOutcome.Batch(false));
    // Ten times its CPU time by the clock, and a while to stop.
    t.timers.pass(400_000);
    assertThat(read(query, 85).error()).isEqualTo("Extension did not stop when it was told to");
    assertThat(read(query, 85).outcome()).isEqualTo(new ReadOutcome.Nothing());
    assertThat(readAll(start(",'entries':['f'],'ext':{'words':{}}"))).hasSize(1);
    WordsExtension.hanging.countDown();
    thread.join();
    assertThat(readAll(start(",'entries':['f'],'ext':{'words':{}}"))).hasSize(1);
  }

  @Test
  void hostileParametersAreRefusedOrWork() {
    t.write("e", 10, "a b", Labels.of("k", "v"));
    long seed = 20_261_122;
    var random = new Random(seed);
    int refused = 0;
    int worked = 0;
    for (int i = 0; i < 3_000; i++) {
      ObjectNode body = json("{'query_type':'QUERY'}");
      String text = anything(random, 4);
      body.set("ext", Json.parse(text.getBytes(StandardCharsets.UTF_8)));
      if (random.nextBoolean()) {
        body.set("when", body.objectNode().set("#ext", body.remove("ext")));
      }
      try {
        Query query = queries.start("me", t.bucket, QueryOptions.parse(body), body);
        for (int reads = 0; query.isExtended() && reads < 20; reads++) {
          var outcome = read(query, 85).outcome();
          if (outcome instanceof ReadOutcome.Failed(PannierException e)) {
            assertThat(e)
                .as("seed %d: %s", seed, text)
                .isNotInstanceOf(PannierException.Internal.class);
          }
          if (outcome instanceof ReadOutcome.Nothing) {
            break;
          }
        }
        queries.end(query);
        worked++;
      } catch (PannierException.Invalid e) {
        refused++;
      }
    }
    t.executor.runAll();
    assertThat(refused).as("seed %d", seed).isGreaterThan(100);
    assertThat(worked).as("seed %d", seed).isGreaterThan(100);
    assertThat(queries.count()).isZero();
  }

  /** JSON that looks like parameters now and then. */
  private static String anything(Random random, int depth) {
    int kind = random.nextInt(depth <= 0 ? 6 : 11);
    return switch (kind) {
      case 0 -> "null";
      case 1 -> "" + random.nextInt(-3, 30);
      case 2 -> random.nextBoolean() + "";
      case 3 -> "\"@at\"";
      case 4 -> "\"{\\\"words\\\":{}}\"";
      case 5 -> "{}";
      case 6, 7 -> {
        var items = new ArrayList<String>();
        for (int i = random.nextInt(4); i > 0; i--) {
          items.add(anything(random, depth - 1));
        }
        yield "[" + String.join(",", items) + "]";
      }
      default -> {
        var names =
            List.of(
                "words",
                "join",
                "when",
                "of",
                "entry",
                "show",
                "$and",
                "@at",
                "$limit",
                "attachments",
                "#ctx_before");
        var members = new ArrayList<String>();
        for (int i = random.nextInt(3); i >= 0; i--) {
          String name = names.get(random.nextInt(kind == 8 ? 3 : names.size()));
          members.add("\"" + name + "\":" + anything(random, depth - 1));
        }
        yield "{" + String.join(",", members) + "}";
      }
    };
  }

  // ---------------------------------------------------------------- attachments

  @Test
  void attachmentsOfTheChosenEntriesAreHandedIn() {
    t.write("cam/a", 1, "x", Labels.EMPTY);
    t.write("cam/b", 2, "x", Labels.EMPTY);
    t.write("other", 3, "x", Labels.EMPTY);
    t.write("cam/a/$meta", 1, "{'old':1}".replace('\'', '"'), Labels.of("key", "$ros"));
    t.write("cam/a/$meta", 2, "{'new':1}".replace('\'', '"'), Labels.of("key", "$ros"));
    t.write("cam/a/$meta", 3, "[]", Labels.of("key", "gone"));
    t.bucket.entry("cam/a/$meta").updateLabels(3, Labels.of("remove", "true"));
    t.write("other/$meta", 1, "1", Labels.of("key", "k"));
    assertThat(readAll(start(",'entries':['cam/*'],'ext':{'words':{'show':1}}")))
        .allMatch(item ->
            item.contains("{\"show\":1,\"attachments\":{\"cam/a\":{\"$ros\":{\"new\":1}}}}"));
    assertThat(
            readAll(
                start(",'entries':['cam/a'],'ext':{'words':{'show':1,'attachments':{'mine':1}}}")))
        .singleElement()
        .asString()
        .contains("{\"show\":1,\"attachments\":{\"mine\":1}}");
    t.write("cam/b/$meta", 3, "{not json", Labels.of("key", "k"));
    assertThatThrownBy(() -> start(",'entries':['cam/b'],'ext':{'nope':{}}"))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("Meta attachment 'k' in 'b/cam/b/$meta' must be valid JSON: ");
    for (int i = 0; i < 101; i++) {
      t.write("other/$meta", 10 + i, "1", Labels.of("key", "k" + i));
    }
    assertThatThrownBy(() -> start(",'entries':['other'],'ext':{'words':{}}"))
        .hasMessage(
            "Too many meta attachments in 'b/other/$meta': maximum 100 records are supported");
  }

  @Test
  void removalsAndLimitsOfTheMainConditionSeeStoredRecords() {
    t.write("e", 10, "a b", Labels.EMPTY);
    t.write("e", 20, "c d", Labels.EMPTY);
    assertThat(readAll(when("{'$limit':1,'#ext':{'words':{}}}"))).hasSize(2);
    var body = json("{'query_type':'REMOVE','when':{'$limit':1,'#ext':{'nope':{}}}}");
    assertThat(queries.remove(t.bucket, QueryOptions.parse(body))).isEqualTo(1);
    assertThat(Map.of("left", readAll(when("{'#ext':{'words':{}}}")).size()))
        .containsEntry("left", 2);
  }
}
