package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Queries while their entry is written, removed from, relabelled, evicted and renamed. */
class QueryUnderChangeTest {
  private static final int ROUNDS = 40;

  private static void write(Entry entry, long time, String... labels) {
    entry.write(new NewRecord(time, "", Labels.of(labels), ByteBuffer.wrap(new byte[200])));
  }

  private static List<StoredRecord> readAll(
      Queries queries, Bucket bucket, Entry entry, String when) {
    var options =
        QueryOptions.parse(
            Json.object(
                ("{\"query_type\":\"QUERY\",\"when\":" + when + "}")
                    .getBytes(StandardCharsets.UTF_8)));
    Query query = queries.start("me", bucket, entry, options, (ObjectNode) null);
    var all = new ArrayList<StoredRecord>();
    for (; ; ) {
      var sink = new Sink();
      var outcome = new ArrayList<ReadOutcome>();
      query.read(sink, ReadLimits.DEFAULT, false, Runnable::run, outcome::add);
      if (!(outcome.getFirst() instanceof ReadOutcome.Batch)) {
        assertThat(outcome.getFirst()).isEqualTo(new ReadOutcome.Nothing());
        return all;
      }
      all.addAll(sink.records);
    }
  }

  private static final class Sink implements BatchSink {
    final List<StoredRecord> records = new ArrayList<>();

    @Override
    public boolean add(StoredRecord record) {
      records.add(record);
      return true;
    }

    @Override
    public boolean isEmpty() {
      return records.isEmpty();
    }

    @Override
    public boolean isFull() {
      return records.size() >= 50;
    }

    @Override
    public int maxRecords() {
      return 50;
    }
  }

  /** Runs a change over and over while queries run, which must all be content. */
  private interface Change {
    void apply(int round);
  }

  private static void whileChanging(Change change, Runnable query) throws Exception {
    var stop = new AtomicBoolean();
    var started = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      Future<?> changing =
          threads.submit(() -> {
            for (int round = 0; !stop.get(); round++) {
              change.apply(round);
              started.countDown();
            }
          });
      try {
        started.await();
        for (int i = 0; i < ROUNDS; i++) {
          query.run();
        }
      } finally {
        stop.set(true);
      }
      changing.get();
    }
  }

  @Test
  void everyAnswerWasTrueOnce() throws Exception {
    try (var t = new TestStore();
        Queries queries = t.queries()) {
      Bucket bucket =
          t.store.createBucket("c", new BucketSettings(QuotaType.NONE, 0, 64_000_000, 64, null));
      Entry entry = bucket.entryForWrite("e");
      for (int i = 0; i < 2000; i++) {
        write(entry, 10L * i, "n", "" + i, "kind", i % 2 == 0 ? "even" : "odd", "side", "left");
      }
      // What never changes must never be missing, and what comes out must have been so: some odd
      // ones are removed and written again, some even ones relabelled.
      whileChanging(
          round -> {
            long i = round * 7L % 2000;
            if (i % 2 == 0) {
              if (i % 4 == 0) {
                entry.updateLabels(10 * i, Labels.of("side", round % 3 == 0 ? "right" : "left"));
              }
            } else if (i % 10 == 1) {
              try {
                entry.remove(10 * i);
                write(entry, 10 * i, "n", "" + i, "kind", "odd", "side", "back");
              } catch (PannierException.NotFound e) {
                throw new AssertionError(e);
              }
            }
            write(entry, 1_000_000L + round, "n", "9999", "kind", "new");
          },
          () -> {
            List<StoredRecord> even =
                readAll(queries, bucket, entry, "{\"&kind\":{\"$eq\":\"even\"}}");
            assertThat(even).hasSize(1000);
            List<StoredRecord> odd =
                readAll(queries, bucket, entry, "{\"&kind\":{\"$eq\":\"odd\"}}");
            assertThat(odd.stream().filter(r -> r.timestamp() % 100 != 10)).hasSize(800);
            assertThat(odd.size()).isLessThanOrEqualTo(1000);
            var times = new HashSet<Long>();
            for (StoredRecord record : odd) {
              assertThat(times.add(record.timestamp())).isTrue();
              assertThat(record.timestamp())
                  .isEqualTo(10L * Long.parseLong(String.valueOf(record.labels().get("n"))));
            }
            List<StoredRecord> right =
                readAll(queries, bucket, entry, "{\"&side\":{\"$eq\":\"right\"}}");
            assertThat(right).allMatch(r -> "right".equals(r.labels().get("side")));
            assertThat(right).allMatch(r -> r.timestamp() % 40 == 0);
          });
    }
  }

  @Test
  void evictionAndRenaming() throws Exception {
    try (var t = new TestStore();
        Queries queries = t.queries()) {
      Bucket bucket =
          t.store.createBucket("c", new BucketSettings(QuotaType.FIFO, 200_000, 20_000, 50, null));
      Entry entry = bucket.entryForWrite("e");
      write(entry, 0, "n", "0");
      whileChanging(
          round -> {
            write(entry, round + 1L, "n", "" + (round + 1));
            if (round % 100 == 0) {
              bucket.renameEntry(entry.name(), "e" + round);
            }
          },
          () -> {
            List<StoredRecord> some =
                readAll(queries, bucket, entry, "{\"$gte\":[\"&n\",0],\"$each_n\":2}");
            long last = -1;
            for (StoredRecord record : some) {
              assertThat(record.timestamp()).isGreaterThan(last);
              last = record.timestamp();
              assertThat(record.labels().get("n")).isEqualTo("" + last);
            }
          });
    }
  }
}
