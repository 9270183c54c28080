package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.ClientException;
import io.pannier.client.Outgoing;
import io.pannier.client.PannierClient;
import io.pannier.client.QueryOptions;
import io.pannier.client.RecordStream;
import io.pannier.client.StoredRecord;
import io.pannier.model.Clock;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import io.pannier.model.SystemClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A replica beside a server that writes as fast as it can into a ring which gives up what is old:
 * real servers, real connections, real threads. Whatever the replica answers over S3 was there at
 * one moment: records of an entry follow each other without a gap, each is whole, none goes back.
 * In a shared folder files go when the writer gives them up, also under a query; what is left of
 * its answer are whole records of the writer, in order. Once nobody writes, both have all.
 */
@Timeout(240)
class ReplicaUnderLoadTest extends ReplicaFixture {
  private static final List<String> ENTRIES = List.of("camera", "imu", "lidar");
  private static final int RECORDS = 3_000;
  private static final int BODY_MAX = 1_500;
  private static final int BATCH_MAX = 20;
  private static final int READERS = 2;

  /** About a third of what is written. */
  private static final long RING_BYTES = 2_500_000;

  private final long seed = Long.getLong("replica.seed", System.identityHashCode(new Object()));
  private final Clock clock = new SystemClock();

  /** Of each entry, how many records were begun to be written, and how many were acknowledged. */
  private final AtomicLongArray begun = new AtomicLongArray(ENTRIES.size());

  private final AtomicLongArray written = new AtomicLongArray(ENTRIES.size());

  /** When they were acknowledged. */
  private final AtomicLongArray[] writtenNanos =
      ENTRIES.stream()
          .map(entry -> new AtomicLongArray(RECORDS + 1))
          .toArray(AtomicLongArray[]::new);

  /** Record {@code number} of an entry, the same in every look at it. */
  private byte[] body(int entry, long number) {
    var random = new SplittableRandom(seed + entry * 1_000_003L + number);
    var body = new byte[random.nextInt(BODY_MAX)];
    random.nextBytes(body);
    return body;
  }

  /** Writes the records of one entry, in batches. */
  private Void write(Bucket bucket, int entry) {
    var random = new SplittableRandom(seed + entry);
    for (long next = 1; next <= RECORDS; ) {
      long last = Math.min(RECORDS, next + random.nextInt(BATCH_MAX));
      var batch = new ArrayList<Outgoing>();
      for (long number = next; number <= last; number++) {
        batch.add(
            new Outgoing(
                number,
                "application/octet-stream",
                Labels.of("n", Long.toString(number)),
                Body.of(body(entry, number))));
      }
      begun.set(entry, last);
      assertThat(bucket.writeBatch(ENTRIES.get(entry), batch).isEmpty()).isTrue();
      long now = clock.monotonicNanos();
      for (long number = next; number <= last; number++) {
        writtenNanos[entry].set((int) number, now);
      }
      written.set(entry, last);
      next = last + 1;
    }
    return null;
  }

  /** What one reader has met. */
  private final class Reader implements Callable<Reader> {
    private final Bucket bucket;

    /** Whether what a state consists of stays as long as somebody reads it. */
    private final boolean stays;

    private final SplittableRandom random;
    private final long[] first = new long[ENTRIES.size()];
    private final long[] last = new long[ENTRIES.size()];
    private final List<Long> staleMillis = new ArrayList<>();

    Reader(Bucket bucket, int number, boolean stays) {
      this.bucket = bucket;
      this.stays = stays;
      random = new SplittableRandom(seed + 100 + number);
    }

    @Override
    public Reader call() {
      while (!isWritten()) {
        if (random.nextBoolean()) {
          look(random.nextInt(ENTRIES.size()));
        } else {
          lookAtAll();
        }
      }
      return this;
    }

    private void look(int entry) {
      long began = clock.monotonicNanos();
      try (RecordStream records = bucket.query(ENTRIES.get(entry), QueryOptions.all())) {
        Map<String, List<Long>> found = read(records);
        check(entry, found.getOrDefault(ENTRIES.get(entry), List.of()), began);
      } catch (ClientException.Refused notYet) {
        assertThat(notYet.code()).isEqualTo(404);
        assertThat(last[entry]).as("entry %s is gone", ENTRIES.get(entry)).isZero();
      }
    }

    private void lookAtAll() {
      long began = clock.monotonicNanos();
      try (RecordStream records = bucket.query(ENTRIES, QueryOptions.all())) {
        Map<String, List<Long>> found = read(records);
        for (int entry = 0; entry < ENTRIES.size(); entry++) {
          check(entry, found.getOrDefault(ENTRIES.get(entry), List.of()), began);
        }
      }
    }

    private void check(int entry, List<Long> numbers, long began) {
      String what = "seed " + seed + ", " + ENTRIES.get(entry) + ": " + numbers;
      assertThat(numbers).as(what).isSorted();
      if (numbers.isEmpty()) {
        assertThat(stays && last[entry] > 0).as(what).isFalse();
        return;
      }
      assertThat(numbers.getLast()).as(what).isLessThanOrEqualTo(begun.get(entry));
      if (stays) {
        assertThat(numbers.getLast() - numbers.getFirst() + 1).as(what).isEqualTo(numbers.size());
        assertThat(numbers.getLast()).as(what).isGreaterThanOrEqualTo(last[entry]);
        assertThat(numbers.getFirst()).as(what).isGreaterThanOrEqualTo(first[entry]);
      }
      first[entry] = numbers.getFirst();
      last[entry] = numbers.getLast();
      long missing = numbers.getLast() + 1;
      if (missing <= written.get(entry)) {
        long age = began - writtenNanos[entry].get((int) missing);
        staleMillis.add(Math.max(0, age / 1_000_000));
      } else {
        staleMillis.add(0L);
      }
    }
  }

  private boolean isWritten() {
    for (int entry = 0; entry < ENTRIES.size(); entry++) {
      if (written.get(entry) < RECORDS) {
        return false;
      }
    }
    return true;
  }

  /** Numbers of the records by entry; each is what was written under its number. */
  private Map<String, List<Long>> read(RecordStream records) {
    var found = new TreeMap<String, List<Long>>();
    while (records.hasNext()) {
      try (StoredRecord record = records.next()) {
        String what = "seed " + seed + ", " + record.entry() + "@" + record.timestamp();
        assertThat(ENTRIES).as(what).contains(record.entry());
        assertThat(record.labels()).as(what).isEqualTo(Labels.of("n", "" + record.timestamp()));
        assertThat(record.bytes())
            .as(what)
            .isEqualTo(body(ENTRIES.indexOf(record.entry()), record.timestamp()));
        found.computeIfAbsent(record.entry(), name -> new ArrayList<>()).add(record.timestamp());
      }
    }
    return found;
  }

  private void run(String writer, Callable<String> startReplica, boolean stays) throws Exception {
    System.out.println("seed " + seed);
    try (PannierClient writing = connect(writer);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      writing.createBucket(
          "fleet", BucketOptions.unchanged().quota(QuotaType.FIFO, RING_BYTES).blockRecords(64));
      writing.bucket("fleet").write("marker", 1, new byte[0]);
      String replica = startReplica.call();
      awaited(replica + "/b/fleet/marker?ts=1", 200);
      List<Future<Void>> writers = new ArrayList<>();
      for (int entry = 0; entry < ENTRIES.size(); entry++) {
        int each = entry;
        writers.add(threads.submit(() -> write(writing.bucket("fleet"), each)));
      }
      List<Future<Reader>> readers = new ArrayList<>();
      for (int number = 0; number < READERS; number++) {
        int each = number;
        readers.add(
            threads.submit(() -> {
              try (PannierClient reading = connect(replica)) {
                return new Reader(reading.bucket("fleet"), each, stays).call();
              }
            }));
      }
      for (Future<Void> each : writers) {
        each.get();
      }
      var stale = new ArrayList<Long>();
      for (Future<Reader> each : readers) {
        stale.addAll(each.get().staleMillis);
      }
      Map<String, List<Long>> truth = all(writing);
      ENTRIES.forEach(entry -> {
        assertThat(truth.get(entry).getFirst()).as("evicted of " + entry).isGreaterThan(1);
        assertThat(truth.get(entry).getLast()).isEqualTo(RECORDS);
      });
      try (PannierClient reading = connect(replica)) {
        while (!all(reading).equals(truth)) {
          Thread.onSpinWait();
        }
      }
      System.out.println((stays ? "S3: " : "shared folder: ") + told(stale));
    }
  }

  private static PannierClient connect(String api) {
    return PannierClient.connect(api.replace("/api/v1", ""), "secret");
  }

  private Map<String, List<Long>> all(PannierClient client) {
    try (RecordStream records = client.bucket("fleet").query(ENTRIES, QueryOptions.all())) {
      return read(records);
    }
  }

  private static String told(List<Long> staleMillis) {
    long[] sorted = staleMillis.stream().mapToLong(Long::longValue).sorted().toArray();
    if (sorted.length == 0) {
      return "no answers";
    }
    return "%d answers, behind by %d ms (median), %d ms (most), %d ms on average"
        .formatted(
            sorted.length,
            sorted[sorted.length / 2],
            sorted[sorted.length - 1],
            Arrays.stream(sorted).sum() / sorted.length);
  }

  @Test
  void everyAnswerOverS3WasThereAtOneMoment() throws Exception {
    run(serve(variables("writer")), () -> serve(replica("one")), true);
  }

  @Test
  void answersFromASharedFolderAreWholeRecordsAndInTheEndAllOfThem() throws Exception {
    run(serve(inFolder()), () -> serve(replicaOfFolder("one")), false);
  }
}
