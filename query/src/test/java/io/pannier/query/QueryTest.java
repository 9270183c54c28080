package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QueryTest {
  private final TestStore t = new TestStore();
  private final Queries queries = t.queries();

  @AfterEach
  void close() {
    queries.close();
    t.close();
  }

  private static QueryOptions options(String json) {
    return QueryOptions.parse(
        Json.object(json.replace('\'', '"').getBytes(java.nio.charset.StandardCharsets.UTF_8)));
  }

  private Query many(String json) {
    return queries.start("me", t.bucket, options(json), null);
  }

  private Query one(String entry, String json) {
    return queries.start("me", t.bucket, t.bucket.entry(entry), options(json), null);
  }

  private ReadOutcome read(Query query, ListSink sink) {
    return read(query, sink, false);
  }

  private ReadOutcome read(Query query, ListSink sink, boolean oneRecord) {
    var outcome = new ArrayList<ReadOutcome>();
    query.read(sink, ReadLimits.DEFAULT, oneRecord, t.executor, outcome::add);
    t.executor.runAll();
    assertThat(outcome).hasSize(1);
    return outcome.getFirst();
  }

  private List<String> readAll(Query query, int batch) {
    var all = new ArrayList<String>();
    for (; ; ) {
      var sink = new ListSink(batch);
      var outcome = read(query, sink);
      all.addAll(sink.records);
      if (outcome instanceof ReadOutcome.Nothing
          || (outcome instanceof ReadOutcome.Batch(boolean last) && last)) {
        return all;
      }
    }
  }

  @Test
  void recordsComeByTimeThenByEntryName() {
    t.write("b", 10);
    t.write("a", 10);
    t.write("c", 5);
    t.write("a", 30);
    t.write("c", 20);
    assertThat(readAll(many("{'query_type':'QUERY'}"), 2))
        .containsExactly("c@5", "a@10", "b@10", "c@20", "a@30");
  }

  @Test
  void theEndIsToldOnlyIfItWasMetWhileCollecting() {
    for (int i = 0; i < 4; i++) {
      t.write("a", i);
    }
    Query query = one("a", "{'query_type':'QUERY'}");
    assertThat(read(query, new ListSink(2))).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(read(query, new ListSink(2))).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(read(query, new ListSink(2))).isEqualTo(new ReadOutcome.Nothing());
    assertThat(read(query, new ListSink(2))).isEqualTo(new ReadOutcome.Nothing());
    assertThat(read(one("a", "{'query_type':'QUERY'}"), new ListSink(5)))
        .isEqualTo(new ReadOutcome.Batch(true));
  }

  @Test
  void oldReadsAreClosedAfterTheEndWasTold() {
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY'}");
    assertThat(read(query, new ListSink(1), true)).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(read(query, new ListSink(1), true)).isEqualTo(new ReadOutcome.Nothing());
    assertThat(read(query, new ListSink(1), true))
        .isInstanceOfSatisfying(
            ReadOutcome.Failed.class,
            f ->
                assertThat(f.error())
                    .isInstanceOf(PannierException.BadRequest.class)
                    .hasMessage("Query'b/a/" + query.id() + "' was closed: broken channel"));
    assertThat(read(query, new ListSink(1), false)).isEqualTo(new ReadOutcome.Nothing());
  }

  @Test
  void whatDoesNotFitComesFirstNextTime() {
    for (int i = 0; i < 5; i++) {
      t.write("a", i);
    }
    Query query = many("{'query_type':'QUERY'}");
    var sink = new ListSink(10, record -> record.timestamp() != 2);
    assertThat(read(query, sink)).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(sink.records).containsExactly("a@0", "a@1");
    assertThat(readAll(query, 10)).containsExactly("a@2", "a@3", "a@4");
  }

  @Test
  void startAndStopSelect() {
    for (int i = 0; i < 10; i++) {
      t.write("a", i);
    }
    assertThat(readAll(one("a", "{'query_type':'QUERY','start':3,'stop':5}"), 85))
        .containsExactly("a@3", "a@4");
    assertThat(readAll(one("a", "{'query_type':'QUERY','start':3,'stop':3}"), 85)).isEmpty();
    assertThat(readAll(one("a", "{'query_type':'QUERY','start':10}"), 85)).isEmpty();
    assertThatThrownBy(() -> one("a", "{'query_type':'QUERY','start':11}"))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage("Start time must be before stop time");
    assertThatThrownBy(() -> many("{'query_type':'QUERY','start':5,'stop':4}"))
        .hasMessage("Start time must be before stop time");
    assertThat(readAll(many("{'query_type':'QUERY','start':11}"), 85)).isEmpty();
  }

  @Test
  void theLargestTimeIsReachedAndEndsTheQuery() {
    t.write("a", -1);
    t.write("a", Long.MIN_VALUE);
    assertThat(readAll(one("a", "{'query_type':'QUERY','start':18446744073709551615}"), 1))
        .containsExactly("a@18446744073709551615");
    assertThat(readAll(many("{'query_type':'QUERY'}"), 1))
        .containsExactly("a@9223372036854775808", "a@18446744073709551615");
  }

  @Test
  void aRecordThatVanishedIsLeftOut() {
    for (int i = 0; i < 4; i++) {
      t.write("a", i);
    }
    Query query = one("a", "{'query_type':'QUERY'}");
    read(query, new ListSink(1));
    t.bucket.entry("a").remove(1);
    assertThat(readAll(query, 85)).containsExactly("a@2", "a@3");
  }

  @Test
  void aDamagedRecordEndsTheBatchBeforeItAndIsToldNext() {
    for (int i = 0; i < 5; i++) {
      t.write("a", i);
    }
    Query query = one("a", "{'query_type':'QUERY'}");
    var sink = new DamagedAt(2);
    assertThat(read(query, sink, 85)).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(sink.records).containsExactly(0L, 1L);
    assertThat(read(query, new DamagedAt(2), 85))
        .isInstanceOfSatisfying(
            ReadOutcome.Failed.class, f -> assertThat(f.error()).hasMessage("damaged 2"));
    sink = new DamagedAt(2);
    assertThat(read(query, sink, 85)).isEqualTo(new ReadOutcome.Batch(true));
    assertThat(sink.records).containsExactly(3L, 4L);
  }

  @Test
  void aDamagedFirstRecordFailsTheReadAndTheQueryGoesOn() {
    t.write("a", 0);
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY'}");
    assertThat(read(query, new DamagedAt(0), 85)).isInstanceOf(ReadOutcome.Failed.class);
    assertThat(read(query, new DamagedAt(0), 85)).isEqualTo(new ReadOutcome.Batch(true));
  }

  @Test
  void aDamagedLastRecordIsToldAfterTheBatchBeforeIt() {
    t.write("a", 0);
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY'}");
    assertThat(read(query, new DamagedAt(1), 85)).isEqualTo(new ReadOutcome.Batch(false));
    assertThat(read(query, new DamagedAt(1), 85)).isInstanceOf(ReadOutcome.Failed.class);
    assertThat(read(query, new DamagedAt(1), 85)).isEqualTo(new ReadOutcome.Nothing());
  }

  private ReadOutcome read(Query query, DamagedAt sink, int ignored) {
    var outcome = new ArrayList<ReadOutcome>();
    query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome::add);
    t.executor.runAll();
    return outcome.getFirst();
  }

  private static final class DamagedAt implements BatchSink {
    final List<Long> records = new ArrayList<>();
    private final long damaged;

    DamagedAt(long damaged) {
      this.damaged = damaged;
    }

    @Override
    public boolean add(io.pannier.store.StoredRecord record) {
      if (record.timestamp() == damaged) {
        throw new PannierException.Damaged("damaged " + damaged);
      }
      records.add(record.timestamp());
      return true;
    }

    @Override
    public boolean isEmpty() {
      return records.isEmpty();
    }

    @Override
    public boolean isFull() {
      return false;
    }

    @Override
    public int maxRecords() {
      return 85;
    }
  }

  @Test
  void aBatchClosesAfterItsTime() {
    for (int i = 0; i < 10; i++) {
      t.write("a", i);
    }
    Query query = one("a", "{'query_type':'QUERY'}");
    // Every record takes 2 s: the second one comes too late.
    var sink =
        new ListSink(
            85,
            record -> {
              t.timers.pass(2000);
              return true;
            });
    read(query, sink);
    assertThat(sink.records.size()).isBetween(1, 3);
    assertThat(readAll(query, 85)).hasSize(10 - sink.records.size());
  }

  @Test
  void aQueryDiesWhenNobodyReadsItForItsTime() {
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY','ttl':10}");
    t.timers.pass(9_999);
    queries.find(query.id(), "me", t.bucket, t.bucket.entry("a"));
    t.timers.pass(9_999);
    queries.find(query.id(), "me", t.bucket, t.bucket.entry("a"));
    t.timers.pass(10_000);
    assertThatThrownBy(() -> queries.find(query.id(), "me", t.bucket, t.bucket.entry("a")))
        .isInstanceOf(PannierException.NotFound.class)
        .hasMessage(
            "Query "
                + query.id()
                + " not found and it might have expired. Check TTL in your query request.");
    assertThat(queries.count()).isZero();
  }

  @Test
  void aTimeToLiveOfZeroExpiresAtOnce() {
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY','ttl':0}");
    assertThatThrownBy(() -> queries.find(query.id(), "me", t.bucket, t.bucket.entry("a")))
        .isInstanceOf(PannierException.NotFound.class);
  }

  @Test
  void theLongestTimeToLiveDoesNotOverflow() {
    t.write("a", 1);
    Query query = one("a", "{'query_type':'QUERY','ttl':18446744073709551615}");
    t.timers.jump(1L << 40);
    assertThat(queries.find(query.id(), "me", t.bucket, t.bucket.entry("a"))).isSameAs(query);
  }

  @Test
  void forgottenQueriesAreSweptAway() {
    t.write("a", 1);
    for (int i = 0; i < 100; i++) {
      one("a", "{'query_type':'QUERY','ttl':3}");
    }
    assertThat(queries.count()).isEqualTo(100);
    t.timers.pass(5_000);
    assertThat(queries.count()).isZero();
  }

  @Test
  void aQueryBelongsToItsOwnerBucketAndEntry() {
    t.write("a", 1);
    t.write("c", 1);
    var other = t.store.createBucket("other", io.pannier.model.BucketSettings.DEFAULT);
    Query query = one("a", "{'query_type':'QUERY'}");
    long id = query.id();
    assertThatThrownBy(() -> queries.find(id, "you", t.bucket, t.bucket.entry("a")))
        .isInstanceOf(PannierException.NotFound.class);
    assertThatThrownBy(() -> queries.find(id, "me", t.bucket, t.bucket.entry("c")))
        .isInstanceOf(PannierException.NotFound.class);
    assertThatThrownBy(() -> queries.find(id, "me", t.bucket, null))
        .isInstanceOf(PannierException.NotFound.class);
    long all = many("{'query_type':'QUERY'}").id();
    assertThatThrownBy(() -> queries.find(all, "me", t.bucket, t.bucket.entry("a")))
        .isInstanceOf(PannierException.NotFound.class);
    assertThatThrownBy(() -> queries.find(all, "me", other, null))
        .isInstanceOf(PannierException.NotFound.class);
    assertThat(queries.find(all, "me", t.bucket, null).id()).isEqualTo(all);
  }

  @Test
  void idsAreLargeAndRise() {
    t.write("a", 1);
    long first = one("a", "{'query_type':'QUERY'}").id();
    long second = one("a", "{'query_type':'QUERY'}").id();
    assertThat(second).isEqualTo(first + 1);
    assertThat(first).isBetween(1L << 47, 1L << 48);
  }

  @Test
  void aQueryFollowsItsEntryThroughARename() {
    t.write("a", 1);
    t.write("a", 2);
    Query query = many("{'query_type':'QUERY'}");
    read(query, new ListSink(1));
    t.bucket.renameEntry("a", "z");
    assertThat(readAll(query, 85)).containsExactly("z@2");
  }

  @Test
  void aRemovedEntryGivesNothingMore() {
    t.write("a", 1);
    t.write("b", 2);
    Query query = many("{'query_type':'QUERY'}");
    t.bucket.removeEntry("a");
    assertThat(readAll(query, 85)).containsExactly("b@2");
  }

  @Test
  void removedAttachmentsAreHidden() {
    t.write("a/$meta", 1, "key", "x");
    t.write("a/$meta", 2, "key", "y");
    t.bucket.entry("a/$meta").updateLabels(1, Labels.of("remove", "true"));
    assertThat(readAll(many("{'query_type':'QUERY','entries':['a/$meta']}"), 85))
        .containsExactly("a/$meta@2");
    assertThat(readAll(many("{'query_type':'QUERY'}"), 85)).isEmpty();
  }

  @Test
  void removalTakesTheRangeOutOfTheChosenEntries() {
    for (int i = 0; i < 5; i++) {
      t.write("a", i);
      t.write("c", i);
      t.write("a/$meta", i, "key", "k" + i);
    }
    assertThat(
            queries.remove(
                t.bucket, options("{'query_type':'REMOVE','entries':['a'],'start':1,'stop':3}")))
        .isEqualTo(2);
    assertThat(queries.remove(t.bucket.entry("c"), options("{'query_type':'REMOVE','start':4}")))
        .isEqualTo(1);
    assertThat(
            queries.remove(
                t.bucket.entry("c"), options("{'query_type':'REMOVE','start':1,'stop':1}")))
        .isZero();
    assertThat(readAll(many("{'query_type':'QUERY'}"), 85))
        .containsExactly("a@0", "c@0", "c@1", "c@2", "a@3", "c@3", "a@4");
    assertThat(
            queries.remove(t.bucket, options("{'query_type':'REMOVE','entries':['a/$meta','zz']}")))
        .isZero();
    assertThat(queries.remove(t.bucket, options("{'query_type':'REMOVE','start':0}"))).isEqualTo(7);
    assertThat(t.bucket.entry("a/$meta").info().recordCount()).isEqualTo(5);
  }

  @Test
  void removalNeedsAParameter() {
    t.write("a", 1);
    for (String body : List.of("{'query_type':'REMOVE'}", "{'query_type':'REMOVE','entries':[]}")) {
      assertThatThrownBy(() -> queries.remove(t.bucket, options(body)))
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessage("Define at least one query parameter to delete records");
    }
    assertThatThrownBy(() ->
            queries.remove(t.bucket.entry("a"), options("{'query_type':'REMOVE','entries':['a']}")))
        .hasMessage("Define at least one query parameter to delete records");
    assertThat(t.bucket.entry("a").info().recordCount()).isEqualTo(1);
  }

  @Test
  void manyEntriesOfOneRecordEach() {
    var expected = new TreeSet<String>();
    for (int i = 1000; i < 1500; i++) {
      t.write("e" + i, i % 7);
      expected.add((i % 7) + " e" + i + "@" + (i % 7));
    }
    var got = readAll(many("{'query_type':'QUERY'}"), 85);
    assertThat(got).containsExactlyElementsOf(expected.stream().map(s -> s.substring(2)).toList());
  }

  @Test
  void extensionsAreRefusedWithTheReferencesWords() {
    t.write("a", 1);
    var texts =
        Map.of(
            "{'x':{}}", "Unknown extension 'x' in query id=",
            "{'x':{},'when':{}}", "Unknown extension 'x' in query id=",
            "{}", "Extension name is not found in query id=",
            "[]", "Extension name is not found in query id=",
            "[{'a':{},'b':{}}]", "Multiple extensions are not supported in query id=",
            "[5]", "Each '#ext' pipeline step must be a JSON object in query id=",
            "5",
                "Extension parameters must be a JSON object or an array of JSON objects in query id=");
    texts.forEach((ext, text) -> {
      var body =
          Json.object(
              ("{'query_type':'QUERY','ext':" + ext + "}")
                  .replace('\'', '"')
                  .getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertThatThrownBy(() -> queries.start("me", t.bucket, QueryOptions.parse(body), body))
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessageStartingWith(text);
    });
  }

  @Test
  void optionsAreReadStrictly() {
    for (String wrong :
        List.of(
            "{}",
            "{'query_type':'query'}",
            "{'query_type':null}",
            "{'query_type':1}",
            "{'query_type':'QUERY','start':-1}",
            "{'query_type':'QUERY','start':1.0}",
            "{'query_type':'QUERY','start':1e3}",
            "{'query_type':'QUERY','start':'1'}",
            "{'query_type':'QUERY','stop':18446744073709551616}",
            "{'query_type':'QUERY','ttl':'1'}",
            "{'query_type':'QUERY','continuous':1}",
            "{'query_type':'QUERY','entries':'a'}",
            "{'query_type':'QUERY','entries':[1]}",
            "[]",
            "5",
            "",
            "{'query_type':'QUERY'} x",
            "{'query_type'")) {
      assertThatThrownBy(() -> options(wrong))
          .as(wrong)
          .isInstanceOf(PannierException.Invalid.class)
          .hasMessageStartingWith("Invalid JSON: ");
    }
    // The reference's command line tool sends this with every query.
    options(
        "{'query_type':'QUERY','entries':null,'start':null,'stop':5,'ttl':300,'only_metadata':null,'continuous':null,'when':{},'strict':false,'ext':null}");
    assertThat(
            options(
                "{'query_type':'QUERY','start':18446744073709551615,'when':null,'unknown':[1]}"))
        .isEqualTo(
            new QueryOptions(
                QueryOptions.Kind.QUERY,
                Optional.empty(),
                OptionalLong.of(-1),
                OptionalLong.empty(),
                60,
                false,
                false,
                false,
                Optional.empty()));
  }
}
