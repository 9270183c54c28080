package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ContinuousQueryTest {
  private final TestStore t = new TestStore();
  private final Queries queries = t.queries();

  @AfterEach
  void close() {
    queries.close();
    t.close();
  }

  private Query start(Queries in, String json) {
    var options =
        QueryOptions.parse(
            Json.object(
                ("{'query_type':'QUERY','continuous':true" + json + "}")
                    .replace('\'', '"')
                    .getBytes(StandardCharsets.UTF_8)));
    return in.start("me", t.bucket, options, null);
  }

  private static final class Waiting {
    final ListSink sink;
    final List<ReadOutcome> outcome = new ArrayList<>();

    Waiting(int max) {
      sink = new ListSink(max);
    }
  }

  private Waiting read(Query query) {
    var waiting = new Waiting(85);
    query.read(waiting.sink, ReadLimits.DEFAULT, false, t.executor, waiting.outcome::add);
    t.executor.runAll();
    return waiting;
  }

  @Test
  void whatIsThereComesAtOnceAndIsNeverTheLast() {
    t.write("a", 1);
    t.write("a", 2);
    var got = read(start(queries, ""));
    assertThat(got.outcome).containsExactly(new ReadOutcome.Batch(false));
    assertThat(got.sink.records).containsExactly("a@1", "a@2");
  }

  @Test
  void aWaitingReadIsWokenByTheWriter() {
    t.write("a", 1);
    Query query = start(queries, "");
    read(query);
    var waiting = read(query);
    assertThat(waiting.outcome).isEmpty();
    t.write("a", 2);
    t.executor.runAll();
    assertThat(waiting.outcome).containsExactly(new ReadOutcome.Batch(false));
    assertThat(waiting.sink.records).containsExactly("a@2");
  }

  @Test
  void entriesCreatedLaterArePickedUp() {
    t.write("cam1", 1);
    Query query = start(queries, ",'entries':['cam*']");
    read(query);
    var waiting = read(query);
    t.write("other", 5);
    t.executor.runAll();
    assertThat(waiting.outcome).isEmpty();
    t.write("cam2", 2);
    t.executor.runAll();
    assertThat(waiting.sink.records).containsExactly("cam2@2");
    var next = read(query);
    t.write("cam2", 9);
    t.executor.runAll();
    assertThat(next.sink.records).containsExactly("cam2@9");
  }

  @Test
  void nothingIsAnsweredAfterTheBatchTimeout() {
    t.write("a", 1);
    Query query = start(queries, ",'start':10,'ttl':60");
    var waiting = read(query);
    t.timers.pass(4_999);
    t.executor.runAll();
    assertThat(waiting.outcome).isEmpty();
    t.timers.pass(1);
    t.executor.runAll();
    assertThat(waiting.outcome).containsExactly(new ReadOutcome.Nothing());
  }

  @Test
  void aShortTimeToLiveShortensTheWaitAndTheReadKeepsTheQueryAlive() {
    Query query = start(queries, ",'ttl':3");
    for (int i = 0; i < 5; i++) {
      queries.find(query.id(), "me", t.bucket, null);
      var waiting = read(query);
      t.timers.pass(1_500);
      t.executor.runAll();
      assertThat(waiting.outcome).containsExactly(new ReadOutcome.Nothing());
      // Python sleeps before it asks again.
      t.timers.pass(2_900);
    }
    t.timers.pass(3_000);
    assertThatThrownBy(() -> queries.find(query.id(), "me", t.bucket, null))
        .isInstanceOf(PannierException.NotFound.class);
  }

  @Test
  void aReadThatWaitsLongerThanTheTimeToLiveKeepsItAlive() {
    Query query = start(queries, ",'ttl':60");
    var waiting = new Waiting(85);
    query.read(
        waiting.sink,
        new ReadLimits(3_600_000_000_000L, 1),
        false,
        t.executor,
        waiting.outcome::add);
    t.executor.runAll();
    t.timers.pass(29_000);
    assertThat(queries.count()).isEqualTo(1);
    t.write("a", 1);
    t.executor.runAll();
    assertThat(waiting.sink.records).containsExactly("a@1");
  }

  @Test
  void startBeyondTheNewestRecordWaitsForIt() {
    t.write("a", 1);
    Query query = start(queries, ",'start':100,'stop':5");
    var waiting = read(query);
    t.write("a", 99);
    t.executor.runAll();
    assertThat(waiting.outcome).isEmpty();
    t.write("a", 100);
    t.executor.runAll();
    assertThat(waiting.sink.records).containsExactly("a@100");
  }

  @Test
  void readsOfOneQueryTakeTurns() {
    Query query = start(queries, "");
    var first = read(query);
    var second = read(query);
    t.write("a", 1);
    t.executor.runAll();
    assertThat(first.sink.records).containsExactly("a@1");
    assertThat(second.outcome).isEmpty();
    t.write("a", 2);
    t.executor.runAll();
    assertThat(second.sink.records).containsExactly("a@2");
  }

  @Test
  void aCancelledReadTakesNothing() {
    Query query = start(queries, "");
    var waiting = new Waiting(85);
    var read =
        query.read(waiting.sink, ReadLimits.DEFAULT, false, t.executor, waiting.outcome::add);
    t.executor.runAll();
    var queued = new Waiting(85);
    var queuedRead =
        query.read(queued.sink, ReadLimits.DEFAULT, false, t.executor, queued.outcome::add);
    queuedRead.cancel();
    read.cancel();
    t.write("a", 1);
    t.executor.runAll();
    assertThat(waiting.outcome).isEmpty();
    assertThat(queued.outcome).isEmpty();
    assertThat(read(query).sink.records).containsExactly("a@1");
  }

  @Test
  void aReadWhoseTaskWasDroppedDoesNotHoldUpTheOthers() {
    t.write("a", 1);
    Query query = start(queries, ",'ttl':10");
    var waiting = new Waiting(85);
    var dropped =
        query.read(waiting.sink, ReadLimits.DEFAULT, false, task -> {}, waiting.outcome::add);
    dropped.cancel();
    assertThat(read(query).sink.records).containsExactly("a@1");
    t.timers.pass(11_000);
    assertThat(queries.count()).isZero();
  }

  @Test
  void aFullExecutorFailsTheRead() {
    Query query = start(queries, "");
    var waiting = new Waiting(85);
    query.read(
        waiting.sink,
        ReadLimits.DEFAULT,
        false,
        task -> {
          throw new java.util.concurrent.RejectedExecutionException();
        },
        waiting.outcome::add);
    assertThat(waiting.outcome).hasSize(1).first().isInstanceOf(ReadOutcome.Failed.class);
    t.write("a", 1);
    assertThat(read(query).sink.records).containsExactly("a@1");
  }

  @Test
  void aCancelBeforeTheCollectingTakesNothing() {
    t.write("a", 1);
    Query query = start(queries, "");
    var waiting = new Waiting(85);
    query.read(waiting.sink, ReadLimits.DEFAULT, false, t.executor, waiting.outcome::add).cancel();
    t.executor.runAll();
    assertThat(waiting.sink.records).isEmpty();
    assertThat(read(query).sink.records).containsExactly("a@1");
  }

  @Test
  void aWakeUpForSomethingHiddenGoesOnWaitingUntilItsTime() {
    Query query = start(queries, ",'start':10,'ttl':60");
    var waiting = read(query);
    t.timers.pass(4_000);
    t.write("a", 1);
    t.executor.runAll();
    assertThat(waiting.outcome).isEmpty();
    t.timers.pass(1_000);
    t.executor.runAll();
    assertThat(waiting.outcome).containsExactly(new ReadOutcome.Nothing());
  }

  @Test
  void everyRecordOfManyWritersComesOnce() throws Exception {
    try (var pool = Executors.newFixedThreadPool(4);
        var live = t.queries()) {
      Query query = start(live, ",'entries':['w*'],'ttl':600");
      int writers = 3;
      int each = 400;
      var done = new ArrayList<CompletableFuture<Void>>();
      for (int w = 0; w < writers; w++) {
        String entry = "w" + w;
        done.add(
            CompletableFuture.runAsync(() -> {
              for (int i = 0; i < each; i++) {
                t.write(entry, i);
              }
            }));
      }
      var got = new ArrayList<String>();
      while (got.size() < writers * each) {
        var sink = new ListSink(17);
        var outcome = new CompletableFuture<ReadOutcome>();
        query.read(
            sink, new ReadLimits(60_000_000_000L, 60_000_000_000L), false, pool, outcome::complete);
        assertThat(outcome.get(20, TimeUnit.SECONDS)).isEqualTo(new ReadOutcome.Batch(false));
        got.addAll(sink.records);
      }
      for (var d : done) {
        d.get();
      }
      assertThat(got).doesNotHaveDuplicates().hasSize(writers * each);
      for (int w = 0; w < writers; w++) {
        String prefix = "w" + w + "@";
        assertThat(
                got.stream()
                    .filter(s -> s.startsWith(prefix))
                    .map(s -> Integer.parseInt(s.substring(3))))
            .isSorted();
      }
    }
  }
}
