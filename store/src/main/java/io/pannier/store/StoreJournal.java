package io.pannier.store;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The journal of the store: which buckets exist, with their settings ({@code docs/format.md},
 * "Journals"). Calls come under the structure lock of the store.
 */
final class StoreJournal {
  static final int BUCKET = 1;
  static final int BUCKET_GONE = 2;
  static final int BUCKET_PURGED = 3;
  static final int BUCKET_BEGUN = 4;
  static final int BUCKET_RESTORED = 5;
  static final int SNAPSHOT_END = 8;
  static final int CLEAN_STOP = 9;
  static final int STARTED = 10;

  static final String PREFIX = "store";

  private final Store store;
  private final Journal journal;

  /** Whether the last frame was that of a clean stop; known at start only. */
  private boolean stoppedCleanly;

  private StoreJournal(Store store, Journal journal) {
    this.store = store;
    this.journal = journal;
  }

  /** What the journal says of a bucket. */
  record BucketFacts(String name, BucketSettings settings) {}

  /** What a whole journal says. */
  static final class Facts implements Journal.Visitor {
    final Map<Integer, BucketFacts> buckets = new HashMap<>();
    final Set<Integer> gone = new HashSet<>();
    int nextBucket = 1;
    boolean clean;

    @Override
    public void frame(int kind, ByteBuffer content) {
      clean = kind == CLEAN_STOP;
      switch (kind) {
        case BUCKET, BUCKET_BEGUN -> {
          int id = content.getInt();
          if (kind == BUCKET_BEGUN) {
            gone.add(id);
          }
          content.get(); // provisioned: reserved for settings that come from the environment
          QuotaType quota = QuotaType.ofCode(content.get());
          long size = content.getLong();
          long blockBytes = content.getLong();
          long blockRecords = content.getLong();
          int ack = content.get();
          String name = BucketJournal.text(content, content.remaining());
          buckets.put(
              id,
              new BucketFacts(
                  name,
                  new BucketSettings(
                      quota, size, blockBytes, blockRecords, ack == 0 ? null : Ack.ofCode(ack))));
          nextBucket = Math.max(nextBucket, id + 1);
        }
        case BUCKET_GONE -> gone.add(content.getInt());
        case BUCKET_RESTORED -> gone.remove(content.getInt());
        case BUCKET_PURGED -> {
          int id = content.getInt();
          buckets.remove(id);
          gone.remove(id);
        }
        case SNAPSHOT_END -> nextBucket = Math.max(nextBucket, content.getInt());
        case CLEAN_STOP, STARTED -> {}
        default ->
            throw new PannierException.Internal(
                "journal of the store has frames of a newer version", null);
      }
    }
  }

  static StoreJournal open(Store store, RandomGenerator random) throws IOException {
    var identity = new Journal.Identity(store.id(), 0);
    if (!Journal.exists(store.disk, "", PREFIX)) {
      Journal fresh =
          Journal.create(
              store.disk,
              "",
              PREFIX,
              identity,
              random,
              store.clock,
              SNAPSHOT_END,
              sink -> sink.frame(SNAPSHOT_END, content(4).putInt(1).flip()));
      return new StoreJournal(store, fresh);
    }
    var facts = new Facts();
    Journal journal =
        Journal.open(store.disk, "", PREFIX, identity, random, store.clock, SNAPSHOT_END, facts);
    tell(store, journal, "journal of the store");
    store.restoreNextBucket(facts.nextBucket);
    for (var found : facts.buckets.entrySet()) {
      BucketFacts bucket = found.getValue();
      boolean gone = facts.gone.contains(found.getKey());
      store.restore(
          Recovery.load(store, found.getKey(), bucket.name(), bucket.settings(), random, gone),
          gone);
    }
    var opened = new StoreJournal(store, journal);
    opened.stoppedCleanly = facts.clean;
    if (store.isFollowing()) {
      return opened;
    }
    if (journal.needsRewrite()) {
      opened.compact();
    } else if (!facts.clean) {
      store.unlessFull(opened::compact);
    }
    return opened;
  }

  static void tell(Store store, Journal journal, String subject) {
    for (String finding : journal.findings()) {
      store.events.event(StoreEvents.Kind.NOTE, finding, subject, null);
    }
  }

  static ByteBuffer frame(int id, String name, BucketSettings settings) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    @Nullable Ack ack = settings.ack();
    return content(31 + bytes.length)
        .putInt(id)
        .put((byte) 0)
        .put((byte) settings.quotaType().code())
        .putLong(settings.quotaSize())
        .putLong(settings.maxBlockSize())
        .putLong(settings.maxBlockRecords())
        .put((byte) (ack == null ? 0 : ack.code()))
        .put(bytes)
        .flip();
  }

  private static ByteBuffer content(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void append(int kind, ByteBuffer content) throws IOException {
    store.withBallast(() -> {
      journal.append(kind, content.rewind());
      return true;
    });
    // Buckets come and go rarely: their frames do not wait for a round.
    try {
      journal.sync();
    } catch (IOException failed) {
      // It is refused, so it must not come back: the new generation has the state of before.
      compact();
      throw failed;
    }
  }

  void bucket(Bucket bucket, String name, BucketSettings settings) throws IOException {
    append(BUCKET, frame(bucket.id, name, settings));
  }

  void bucketGone(Bucket bucket) throws IOException {
    append(BUCKET_GONE, content(4).putInt(bucket.id).flip());
  }

  /** A bucket that is being restored: as good as removed until it is whole. */
  void bucketBegun(Bucket bucket) throws IOException {
    append(BUCKET_BEGUN, frame(bucket.id, bucket.name(), bucket.settings()));
  }

  /** It is whole: from here on it is there. */
  void bucketRestored(Bucket bucket) throws IOException {
    append(BUCKET_RESTORED, content(4).putInt(bucket.id).flip());
  }

  void bucketPurged(Bucket bucket) throws IOException {
    append(BUCKET_PURGED, content(4).putInt(bucket.id).flip());
  }

  void mark(int kind) throws IOException {
    append(kind, content(0));
  }

  /** How much of it is known to be on the device. */
  Journal.Mark durable() {
    return journal.durable();
  }

  void sync() throws IOException {
    journal.sync();
  }

  /** After a failure that left it open what the journal holds: writes down what is. */
  void mend() throws IOException {
    if (journal.isBroken()) {
      compact();
    }
  }

  void compactIfWanted() {
    if (journal.wantsCompaction()) {
      try {
        compact();
      } catch (IOException failed) {
        store.failure("journal could not be compacted", "journal of the store", failed);
      }
    }
  }

  private void compact() throws IOException {
    store.underStructure(() ->
        store.withBallast(() -> {
          journal.compact(this::snapshot);
          return true;
        }));
  }

  private void snapshot(Journal.Sink sink) throws IOException {
    for (Bucket bucket : store.everyBucket()) {
      sink.frame(BUCKET, frame(bucket.id, bucket.name(), bucket.settings()));
      if (bucket.isGone()) {
        sink.frame(BUCKET_GONE, content(4).putInt(bucket.id).flip());
      }
    }
    sink.frame(SNAPSHOT_END, content(4).putInt(store.nextBucketId()).flip());
  }

  boolean stoppedCleanly() {
    return stoppedCleanly;
  }

  void close() {
    journal.close();
  }
}
