package io.pannier.replicate;

import io.pannier.client.Body;
import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.client.LabelUpdate;
import io.pannier.client.Outgoing;
import io.pannier.client.RecordErrors;
import io.pannier.client.RemoteRecord;
import io.pannier.client.RemoteServer;
import io.pannier.client.Throttle;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.PartialUploads;
import io.pannier.store.Scheduler;
import io.pannier.store.Store;
import io.pannier.store.StoredRecord;
import io.pannier.store.TestStores;
import io.pannier.store.TimeRange;
import io.pannier.store.Upload;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Several stores with tasks between them, in the thread of a test and from one seed. What travels
 * arrives in the real store of the other side, unless something goes wrong on the way.
 */
final class Fleet {
  /** Thrown where the process of the sending side dies in the middle of a call. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  final Random random;
  final Map<String, Node> nodes = new TreeMap<>();

  /** Settings that a bucket gets which a task makes at its destination. */
  BucketSettings made = BucketSettings.DEFAULT;

  /** What may go wrong: refusals, lost answers, cuts. */
  boolean faults;

  boolean kills;

  /** Whether calls take their time. */
  boolean slow;

  /** Whether destinations go on with uploads. */
  boolean resumes = true;

  /** Nothing goes wrong any more. */
  boolean calm;

  /** Called now and then while something is on its way. */
  Runnable meanwhile = () -> {};

  private long nextSeed;

  Fleet(long seed) {
    random = new Random(seed);
    nextSeed = seed * 1000;
  }

  Node node(String name) {
    return nodes.computeIfAbsent(name, key -> new Node(name));
  }

  /** Time goes on everywhere, a little here and a little there. */
  void pass(long millis) {
    for (long at = 0; at < millis; ) {
      long some = Math.min(millis - at, 1 + random.nextInt(2000));
      for (Node node : nodes.values()) {
        node.pass(some);
      }
      at += some;
    }
  }

  /** A store with its tasks. */
  final class Node {
    final String name;

    /** Whether others can reach it. */
    boolean linked = true;

    /** What has ever been written to it by tasks of others: entry and time. */
    final Set<String> arrived = new HashSet<>();

    TestStores stores;
    Store store;
    Replications replications;
    private MemoryDisk disk = new MemoryDisk();
    private FaultyDisk faulty;
    private PartialUploads uploads;
    private final Links links = new Links(this);

    private Node(String name) {
      this.name = name;
      start();
    }

    private void start() {
      long seed = nextSeed++;
      faulty = new FaultyDisk(disk, new Random(seed));
      stores = new TestStores(seed).ticking().limits(Robot.LIMITS);
      store = stores.open(faulty);
      uploads = new PartialUploads(stores.clock);
      replications =
          Replications.open(
              store,
              stores.clock,
              (delayNanos, work) ->
                  stores.scheduler.runLater(
                      Scheduler.Lane.BACKGROUND, (delayNanos + 999_999) / 1_000_000, work),
              links,
              ReplicationOptions.DEFAULT.withBatches(4_000, 7).withResumeBytes(150),
              warning -> {},
              new Cutting(stores.clock, seed),
              true);
    }

    /** The process ends between two instructions, and is started again. */
    void kill() {
      disk = disk.kill();
      start();
    }

    /** It dies within one of the next calls to the disk. */
    void dieSoon() {
      faulty.arm(Fault.at(1 + random.nextInt(40), Fault.Kind.POWER_LOSS));
    }

    boolean isDead() {
      return faulty.fired();
    }

    void heal() {
      faulty.heal();
    }

    /** After a call in which it may have died. */
    boolean restartIfDead() {
      boolean dead = isDead();
      if (dead) {
        kill();
      }
      return dead;
    }

    void pass(long millis) {
      try {
        stores.scheduler.advanceMillis(millis);
      } catch (Killed killed) {
        kill();
      }
      restartIfDead();
    }

    void copy(String task, String from, String host, String to, String prefix, String when) {
      copy(task, from, host, to, prefix, when, Optional.empty());
    }

    /**
     * Begins a task.
     *
     * @param ext what extensions make of each record, as JSON
     */
    void copy(
        String task,
        String from,
        String host,
        String to,
        String prefix,
        String when,
        Optional<String> ext) {
      ReplicationSettings usual = Robot.settings(when);
      replications.create(
          task,
          new ReplicationSettings(
              from,
              to,
              "http://" + host,
              usual.destinationToken(),
              List.of(),
              prefix,
              usual.when(),
              ReplicationMode.ENABLED,
              Coding.NONE,
              new ReplicationStart.Now(),
              0,
              ext.map(Robot::json)));
    }

    long pending() {
      return replications.list().stream().mapToLong(ReplicationInfo::pendingRecords).sum();
    }

    /** All records of a bucket by entry and time. */
    Map<String, StoredRecord> records(String bucket) {
      Map<String, StoredRecord> all = new TreeMap<>();
      store
          .findBucket(bucket)
          .ifPresent(found -> {
            for (Entry entry : found.entries()) {
              for (StoredRecord record : entry.scan(TimeRange.all(), 100_000)) {
                all.put(entry.name() + "@" + Timestamp.toString(record.timestamp()), record);
              }
            }
          });
      return all;
    }

    /** Numbers of the last event of each entry: as long as they stay, nothing happens. */
    Map<String, Long> sequences(String bucket) {
      Map<String, Long> last = new TreeMap<>();
      store.bucket(bucket).entries().forEach(entry -> last.put(entry.name(), entry.lastSequence()));
      return last;
    }
  }

  /** The ways from one store to the others. */
  private final class Links implements Destinations {
    private final Node from;

    Links(Node from) {
      this.from = from;
    }

    @Override
    public Destination of(ReplicationSettings settings, Throttle throttle) {
      return new To(
          from, URI.create(settings.destinationHost()).getHost(), settings.destinationBucket());
    }
  }

  /** A bucket of another store, as its server would show it. */
  private final class To implements Destination {
    private final Node from;
    private final String host;
    private final String bucket;

    To(Node from, String host, String bucket) {
      this.from = from;
      this.host = host;
      this.bucket = bucket;
    }

    private Node there() {
      return nodes.get(host);
    }

    private void before() {
      if (calm) {
        return;
      }
      if (!there().linked || !from.linked) {
        throw new ClientException.Unreachable("no link", new IOException());
      }
      if (faults && random.nextInt(15) == 0) {
        int[] statuses = {401, 404, 429, 500, 502, 503, 504, 507};
        throw new ClientException.Refused(statuses[random.nextInt(statuses.length)], "not now", 0);
      }
      somethingElse();
      takeTime();
      if (kills && random.nextInt(80) == 0) {
        there().kill();
        throw new ClientException.Broken("other side was killed", null);
      }
      if (kills && random.nextInt(80) == 0) {
        there().dieSoon();
      }
    }

    private void after() {
      if (there().restartIfDead()) {
        throw new ClientException.Broken("other side died", null);
      }
      if (calm) {
        return;
      }
      somethingElse();
      takeTime();
      if (faults && random.nextInt(10) == 0) {
        throw new ClientException.Broken("answer was lost", null);
      }
      if (kills && random.nextInt(60) == 0) {
        throw new Killed();
      }
    }

    private void somethingElse() {
      if (random.nextInt(20) == 0) {
        meanwhile.run();
      }
    }

    /** The link is slow: clocks go on everywhere, and what is due then is late. */
    private void takeTime() {
      if (slow && random.nextInt(8) == 0) {
        long nanos = random.nextLong(30_000_000_000L);
        all().forEach(node -> node.stores.clock.advanceNanos(nanos));
      }
    }

    private Bucket bucket() {
      return there()
          .store
          .findBucket(bucket)
          .orElseThrow(() -> new ClientException.Refused(404, "Bucket is not found", 0));
    }

    /** Whatever the store there says becomes an answer. */
    private ClientException.Refused refusal(PannierException error) {
      String text = error.getMessage() == null ? "" : error.getMessage();
      int status =
          switch (error) {
            case PannierException.Conflict _ -> 409;
            case PannierException.NotFound _ -> 404;
            case PannierException.BadRequest _ -> 400;
            case PannierException.Invalid _ -> 422;
            case PannierException.TooEarly _ -> 425;
            case PannierException.DiskFull _ -> 507;
            case PannierException.Unavailable _ -> 503;
            case PannierException _ -> 500;
          };
      return new ClientException.Refused(status, text, 0);
    }

    private <T> T answered(java.util.function.Supplier<T> call) {
      before();
      T answer;
      try {
        answer = call.get();
      } catch (PannierException failed) {
        if (there().restartIfDead()) {
          throw new ClientException.Broken("other side died", null);
        }
        throw refusal(failed);
      }
      after();
      return answer;
    }

    @Override
    public RemoteServer open() {
      return answered(() -> {
        if (there().store.findBucket(bucket).isEmpty()) {
          there().store.createBucket(bucket, made);
        }
        return new RemoteServer(21, Optional.of(there().store.id().toString()), resumes);
      });
    }

    @Override
    public RecordErrors write(String entry, List<Outgoing> records, Coding coding) {
      return answered(() -> {
        Map<Long, ClientException.Refused> errors = new HashMap<>();
        int arriving =
            !calm && faults && random.nextInt(8) == 0 ? random.nextInt(records.size()) : -1;
        for (Outgoing record : records) {
          otherSideWorks();
          if (arriving-- == 0) {
            arriveInPart(entry, record);
            there().restartIfDead();
            throw new ClientException.Broken("cut", null);
          }
          if (!calm && faults && random.nextInt(40) == 0) {
            int status = random.nextBoolean() ? 507 : 400;
            errors.put(record.timestamp(), new ClientException.Refused(status, "not now", 0));
            continue;
          }
          byte[] body = bytes(record);
          try {
            bucket()
                .entryForWrite(entry)
                .write(
                    new NewRecord(
                        record.timestamp(),
                        record.contentType(),
                        record.labels(),
                        origin(),
                        ByteBuffer.wrap(body)));
            arrived(entry, record.timestamp());
          } catch (PannierException failed) {
            if (there().isDead()) {
              throw failed;
            }
            errors.put(record.timestamp(), refusal(failed));
          }
        }
        return new RecordErrors(errors);
      });
    }

    /** While records come, full blocks are sealed. */
    private void otherSideWorks() {
      Store before = there().store;
      there().pass(0);
      if (there().store != before) {
        throw new ClientException.Broken("other side died", null);
      }
    }

    private byte[] bytes(Outgoing record) {
      var body = new ByteArrayOutputStream();
      try {
        record.body().writeTo(body);
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
      return body.toByteArray();
    }

    /** The link breaks in the middle of a body: what came of it is nothing. */
    private void arriveInPart(String entry, Outgoing record) {
      byte[] body = bytes(record);
      try (Upload upload =
          bucket()
              .entryForWrite(entry)
              .beginUpload(
                  record.timestamp(), record.contentType(), record.labels(), body.length)) {
        upload.write(ByteBuffer.wrap(body, 0, random.nextInt(body.length + 1)));
      } catch (PannierException refused) {
        // It was not even begun.
      }
    }

    private void arrived(String entry, long timestamp) {
      there().arrived.add(entry + "@" + Timestamp.toString(timestamp));
    }

    private Optional<java.util.UUID> origin() {
      return Optional.of(from.store.id());
    }

    @Override
    public RecordErrors update(String entry, List<LabelUpdate> updates) {
      return answered(() -> {
        Entry found = bucket().entry(entry);
        var errors = new PannierException[updates.size()];
        found.updateAll(
            updates.stream().mapToLong(LabelUpdate::timestamp).toArray(),
            updates.stream().map(LabelUpdate::labels).toList(),
            origin(),
            errors);
        Map<Long, ClientException.Refused> told = new HashMap<>();
        for (int i = 0; i < errors.length; i++) {
          if (errors[i] != null) {
            told.put(updates.get(i).timestamp(), refusal(errors[i]));
          }
        }
        return new RecordErrors(told);
      });
    }

    @Override
    public Optional<RemoteRecord> find(String entry, long timestamp) {
      return answered(() -> {
        StoredRecord record;
        try {
          record = bucket().entry(entry).find(timestamp);
        } catch (PannierException.NotFound none) {
          return Optional.empty();
        }
        var labels = new Labels.Builder();
        for (int i = 0; i < record.labels().size(); i++) {
          labels.set(record.labels().name(i).toLowerCase(Locale.ROOT), record.labels().value(i));
        }
        return Optional.of(
            new RemoteRecord(
                record.length(),
                record.contentType(),
                labels.build(),
                Optional.of(record.crc32c())));
      });
    }

    @Override
    public long uploaded(String entry, long timestamp, String id) {
      return answered(() -> {
        Optional<Entry> found = bucket().findEntry(entry);
        try {
          return found.isEmpty() ? 0L : there().uploads.received(found.get(), timestamp, id);
        } catch (PannierException.NotFound none) {
          return 0L;
        }
      });
    }

    @Override
    public long append(
        String entry, Outgoing record, String id, Body rest, long offset, Coding coding) {
      return answered(() -> {
        PartialUploads.Turn turn =
            there()
                .uploads
                .take(
                    bucket().entryForWrite(entry),
                    id,
                    new PartialUploads.Draft(
                        record.timestamp(),
                        record.contentType(),
                        record.labels(),
                        origin(),
                        record.body().length()),
                    offset);
        if (turn.session() == null) {
          return turn.received();
        }
        long cut =
            !calm && faults && random.nextInt(3) > 0 ? random.nextInt((int) rest.length() + 1) : -1;
        try {
          rest.writeTo(new Wire(turn, cut));
        } catch (IOException impossible) {
          throw new UncheckedIOException(impossible);
        } finally {
          if (!there().isDead()) {
            turn.rest();
          }
        }
        return turn.rest();
      });
    }

    @Override
    public void finish(String entry, long timestamp, String id, int checksum) {
      answered(() -> {
        long length = there().uploads.finish(bucket().entry(entry), timestamp, id, checksum);
        arrived(entry, timestamp);
        return length;
      });
    }

    @Override
    public void closeIfStalled() {}

    @Override
    public void close() {}
  }

  /** What a body is written to on a link that ends after so many bytes; negative: it does not. */
  private static final class Wire extends OutputStream {
    private final PartialUploads.Turn turn;
    private long left;

    Wire(PartialUploads.Turn turn, long left) {
      this.turn = turn;
      this.left = left;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      int some = (int) (left < 0 ? length : Math.min(left, length));
      turn.write(ByteBuffer.wrap(bytes, from, some));
      if (left >= 0) {
        left -= some;
        if (left == 0) {
          throw new ClientException.Broken("cut", null);
        }
      }
    }
  }

  /** All nodes in a list. */
  List<Node> all() {
    return new ArrayList<>(nodes.values());
  }
}
