package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several threads at work for one query: clients see what they would see with one. */
@Timeout(60)
class LanesTest {
  private static final int THREADS = 4;

  private final TestStore t = new TestStore();
  private final ExecutorService pool = Executors.newFixedThreadPool(THREADS);
  private final Queries onThreads = t.queries(options(THREADS), pool);
  private final Queries whenTold = t.queries(options(THREADS));

  private static ExtensionOptions options(int threads) {
    return new ExtensionOptions(threads, 30_000_000_000L, 1 << 20, 1 << 20, Optional.empty());
  }

  @AfterEach
  void close() throws InterruptedException {
    onThreads.close();
    whenTold.close();
    t.executor.runAll();
    pool.shutdown();
    assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    t.close();
  }

  private Query start(Queries queries, String parameters, String members) {
    String text =
        "{'query_type':'QUERY','strict':true,'ext':{'words':" + parameters + "}" + members + "}";
    ObjectNode body = Json.object(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    return queries.start("me", t.bucket, QueryOptions.parse(body), body);
  }

  /** What reads of a query tell, errors in their places. */
  private List<String> readAll(Query query, int batch) throws InterruptedException {
    var told = new ArrayList<String>();
    while (true) {
      var sink = new ItemListSink(batch);
      BlockingQueue<ReadOutcome> outcomes = new ArrayBlockingQueue<>(1);
      query.read(sink, ReadLimits.DEFAULT, false, pool, outcomes::add);
      ReadOutcome outcome = outcomes.take();
      told.addAll(sink.items);
      switch (outcome) {
        case ReadOutcome.Failed(PannierException error) -> told.add(error.toString());
        case ReadOutcome.Batch(boolean last) when !last -> {}
        case ReadOutcome.Batch _, ReadOutcome.Nothing _ -> {
          return told;
        }
      }
    }
  }

  private void writeWords(long seed) {
    var random = new Random(seed);
    for (int record = 0; record < 300; record++) {
      var text = new StringBuilder("w" + record);
      int words = random.nextInt(8) == 0 ? random.nextInt(400) : random.nextInt(4);
      for (int word = 0; word < words; word++) {
        text.append(random.nextInt(300) == 0 ? " FAIL" : " x" + word);
      }
      t.write("e" + record % 3, 1000L * record, text.toString(), Labels.of("n", "" + record));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void outputsAndErrorsComeInTheOrderOfTheRecords(long seed) throws InterruptedException {
    writeWords(seed);
    List<String> one = readAll(start(onThreads, "{}", ""), 85);
    assertThat(one).hasSizeGreaterThan(1000);
    for (int batch : new int[] {1, 7, 85, 10_000}) {
      assertThat(readAll(start(onThreads, "{'independent':true}", ""), batch)).isEqualTo(one);
    }
  }

  @Test
  void aConditionThatFailsEndsTheQueryInItsPlace() throws InterruptedException {
    writeWords(1);
    t.write("e0", 150_500, "late", Labels.EMPTY);
    String when = ",'when':{'&n':{'$gte':0}}";
    List<String> one = readAll(start(onThreads, "{}", when), 85);
    assertThat(one.getLast()).contains("Reference 'n' not found");
    assertThat(readAll(start(onThreads, "{'independent':true}", when), 85)).isEqualTo(one);
  }

  @Test
  void aTurnIsAskedForOnEachThread() {
    t.write("e", 1, "a b", Labels.EMPTY);
    Query query = start(whenTold, "{'independent':true}", "");
    query.read(new ItemListSink(85), ReadLimits.DEFAULT, false, t.executor, _ -> {});
    t.executor.runOne();
    assertThat(t.executor.waiting()).isEqualTo(THREADS);
  }

  @Test
  void whatRemembersStaysOnOneThread() {
    t.write("e", 1, "a b", Labels.EMPTY);
    String limited =
        "{'query_type':'QUERY','when':{'#ext':{'words':{'independent':true},'when':{'$limit':1}}}}";
    ObjectNode body = Json.object(limited.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    Query query = whenTold.start("me", t.bucket, QueryOptions.parse(body), body);
    query.read(new ItemListSink(85), ReadLimits.DEFAULT, false, t.executor, _ -> {});
    t.executor.runOne();
    assertThat(t.executor.waiting()).isEqualTo(1);
  }

  @Test
  void aQueryThatIsGivenUpStopsAllOfThem() throws InterruptedException {
    for (int record = 0; record < THREADS; record++) {
      t.write("e", record, "SPIN", Labels.EMPTY);
    }
    Query query = start(onThreads, "{'independent':true}", "");
    BlockingQueue<ReadOutcome> outcomes = new ArrayBlockingQueue<>(1);
    query.read(new ItemListSink(85), ReadLimits.DEFAULT, false, pool, outcomes::add);
    onThreads.close();
    assertThat(outcomes.take()).isNotNull();
    // Threads are free again, or closing would wait in vain.
  }
}
