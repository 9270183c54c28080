package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Limits;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.model.Timestamp;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tag;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.LongRange;
import org.jspecify.annotations.Nullable;

/**
 * The store against a model that cannot be wrong because it does nothing: maps of byte arrays.
 * After every step of a random life (writes in and out of order, uploads, changes, removals,
 * renames, restarts with and without a clean stop) both must answer alike, to the byte and to the
 * error.
 */
class ModelTest {
  private static final int TIMES = 40;
  private static final long[] EXTREMES = {
    0, 1, Long.MAX_VALUE - 1, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1, -2, -1
  };
  private static final List<String> ENTRIES =
      List.of("a", "a/x", "a/x/y", "ab", "b", "a/$meta", "b/$meta");
  private static final List<String> BUCKETS = List.of("one", "two");

  // ---------------------------------------------------------------- the model

  /** A record as it should be; never compared as a whole. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Kept(byte[] body, String contentType, Labels labels) {
    long size() {
      return body.length + 32 + labels.utf8Bytes();
    }
  }

  private static final class ModelEntry {
    final NavigableMap<Long, Kept> records = new TreeMap<>(Long::compareUnsigned);
    boolean gone;
  }

  private static final class ModelBucket {
    final NavigableMap<String, ModelEntry> entries = new TreeMap<>();
    BucketSettings settings;

    /** What its size may never exceed under HARD: the quota, or what it held when that was set. */
    long ceiling;

    ModelBucket(BucketSettings settings) {
      this.settings = settings;
      ceiling = settings.quotaSize();
    }

    ModelEntry forWrite(String name) {
      for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
        entries.computeIfAbsent(name.substring(0, slash), missing -> new ModelEntry());
      }
      return entries.computeIfAbsent(name, missing -> new ModelEntry());
    }

    List<String> below(String name) {
      return entries.keySet().stream()
          .filter(other -> other.equals(name) || other.startsWith(name + "/"))
          .toList();
    }

    long size() {
      return entries.values().stream()
          .flatMap(entry -> entry.records.values().stream())
          .mapToLong(Kept::size)
          .sum();
    }
  }

  private static final class ModelUpload {
    final ModelBucket bucket;
    final ModelEntry entry;
    final long time;
    final Kept record;
    final Upload upload;
    final boolean attachment;

    ModelUpload(
        ModelBucket bucket,
        ModelEntry entry,
        boolean attachment,
        long time,
        Kept record,
        Upload upload) {
      this.bucket = bucket;
      this.entry = entry;
      this.attachment = attachment;
      this.time = time;
      this.record = record;
      this.upload = upload;
    }
  }

  // ---------------------------------------------------------------- both, side by side

  /** The store and the model of it. */
  private static final class World {
    final ManualClock clock = new ManualClock();
    final Map<String, ModelBucket> buckets = new HashMap<>();
    final List<ModelUpload> uploads = new ArrayList<>();
    final boolean eager;
    MemoryDisk disk = new MemoryDisk();
    TestStores stores;
    Store store;
    int starts;
    int steps;

    World(boolean eager) {
      this.eager = eager;
      stores = stores();
      store = stores.open(disk);
    }

    private TestStores stores() {
      // Sealing waits for the test to let it run, so the bound on open blocks must not make a
      // writer wait for it.
      return new TestStores(++starts, clock)
          .limits(
              new Limits(
                  16,
                  1_000,
                  65_536,
                  64 << 10,
                  128 << 10,
                  1L << 30,
                  5,
                  100,
                  5_000,
                  4096,
                  8L << 20,
                  30,
                  5,
                  30_000,
                  new Limits.Direct(2, 8192, 2000),
                  Limits.Room.ALL));
    }

    void restart(boolean clean) {
      if (clean) {
        store.close();
      }
      noBadNews();
      disk = disk.kill();
      stores = stores();
      store = stores.open(disk);
      uploads.clear();
    }

    void noBadNews() {
      assertThat(stores.events).noneMatch(event -> !event.startsWith("NOTE"));
    }

    boolean isUploading(ModelEntry entry, long time) {
      return uploads.stream().anyMatch(upload -> upload.entry == entry && upload.time == time);
    }

    long charged(ModelBucket bucket) {
      return bucket.size()
          + uploads.stream()
              .filter(upload -> upload.bucket == bucket)
              .mapToLong(upload -> upload.record.size())
              .sum();
    }

    boolean isOverQuota(ModelBucket bucket, long more) {
      return bucket.settings.quotaType() == QuotaType.HARD
          && charged(bucket) + more > bucket.settings.quotaSize();
    }

    Class<?> refusal(
        ModelBucket bucket,
        String entryName,
        ModelEntry entry,
        long time,
        Kept record,
        boolean upload) {
      boolean exists = entry.records.containsKey(time);
      boolean over = isOverQuota(bucket, record.size());
      if (Names.isMeta(entryName)) {
        if (record.labels.get("key") == null) {
          return PannierException.Invalid.class;
        }
        return over
            ? PannierException.BadRequest.class
            : exists ? PannierException.Conflict.class : null;
      }
      if (upload) {
        return over
            ? PannierException.BadRequest.class
            : exists ? PannierException.Conflict.class : null;
      }
      return exists
          ? PannierException.Conflict.class
          : over ? PannierException.BadRequest.class : null;
    }

    void keep(boolean attachment, ModelEntry entry, long time, Kept record) {
      if (attachment) {
        entry
            .records
            .values()
            .removeIf(other -> other.labels.get("key").equals(record.labels.get("key")));
      }
      entry.records.put(time, record);
    }

    Class<?> missing(ModelEntry entry, long time) {
      return entry.records.containsKey(time)
          ? null
          : isUploading(entry, time)
              ? PannierException.TooEarly.class
              : PannierException.NotFound.class;
    }

    // ---------------------------------------------------------------- comparing

    void check() {
      steps++;
      for (String name : BUCKETS) {
        ModelBucket model = buckets.get(name);
        Optional<Bucket> bucket = store.findBucket(name);
        assertThat(bucket.isPresent()).as(name).isEqualTo(model != null);
        if (model != null) {
          check(name, model, bucket.get());
        }
      }
      assertThat(store.buckets()).hasSize(buckets.size());
      noBadNews();
    }

    private void check(String name, ModelBucket model, Bucket bucket) {
      assertThat(bucket.entries())
          .extracting(Entry::name)
          .containsExactlyElementsOf(model.entries.keySet());
      assertThat(bucket.settings()).isEqualTo(model.settings);
      long visible = 0;
      long oldest = -1;
      long newest = 0;
      boolean any = false;
      for (var entry : model.entries.entrySet()) {
        check(bucket.entry(entry.getKey()), entry.getValue());
        if (!Names.isMeta(entry.getKey())) {
          visible++;
          if (!entry.getValue().records.isEmpty()) {
            any = true;
            oldest = Timestamp.min(oldest, entry.getValue().records.firstKey());
            newest = Timestamp.max(newest, entry.getValue().records.lastKey());
          }
        }
      }
      assertThat(bucket.info())
          .isEqualTo(
              new BucketInfo(name, visible, model.size(), any ? oldest : 0, newest, false, any));
      if (model.settings.quotaType() == QuotaType.HARD) {
        assertThat(bucket.info().size()).isLessThanOrEqualTo(model.ceiling);
      }
    }

    private void check(Entry entry, ModelEntry model) {
      compare(entry, entry.scan(TimeRange.all(), 10_000), model.records);
      EntryInfo info = entry.info();
      long size = model.records.values().stream().mapToLong(Kept::size).sum();
      boolean any = !model.records.isEmpty();
      assertThat(info)
          .isEqualTo(
              new EntryInfo(
                  entry.name(),
                  size,
                  model.records.size(),
                  info.blockCount(),
                  any ? model.records.firstKey() : 0,
                  any ? model.records.lastKey() : 0));
      if (any) {
        assertThat(entry.latest().timestamp()).isEqualTo(model.records.lastKey());
      } else {
        assertThat(catchThrowable(entry::latest)).isInstanceOf(PannierException.NotFound.class);
      }
      for (long time : EXTREMES) {
        checkFound(entry, model, time);
      }
      for (int i = 0; i < 4; i++) {
        checkFound(entry, model, (steps * 7L + i * 11L) % TIMES);
      }
      checkPages(entry, model, 1 + steps % 3);
      long from = steps * 5L % TIMES;
      long to = from + steps % 17;
      compare(
          entry,
          entry.scan(TimeRange.of(from, to), 10_000),
          model.records.subMap(from, true, to, false));
    }

    private void checkFound(Entry entry, ModelEntry model, long time) {
      var found = new StoredRecord[1];
      Throwable error = catchThrowable(() -> found[0] = entry.find(time));
      assertFits(error, missing(model, time));
      if (error == null) {
        compare(entry, List.of(found[0]), new TreeMap<>(Map.of(time, model.records.get(time))));
      }
    }

    private void checkPages(Entry entry, ModelEntry model, int page) {
      var all = new ArrayList<Long>();
      TimeRange rest = TimeRange.all();
      while (true) {
        List<StoredRecord> some = entry.scan(rest, page);
        some.forEach(record -> all.add(record.timestamp()));
        if (some.size() < page || some.getLast().timestamp() == Timestamp.MAX) {
          break;
        }
        rest = TimeRange.from(some.getLast().timestamp() + 1);
      }
      assertThat(all).containsExactlyElementsOf(model.records.keySet());
    }

    private void compare(Entry entry, List<StoredRecord> found, Map<Long, Kept> expected) {
      assertThat(found.stream().map(StoredRecord::timestamp))
          .as("%s", entry)
          .containsExactlyElementsOf(expected.keySet());
      for (StoredRecord record : found) {
        Kept kept = expected.get(record.timestamp());
        assertThat(record.labels()).as("%s", record).isEqualTo(kept.labels);
        assertThat(record.contentType())
            .isEqualTo(kept.contentType.isEmpty() ? "application/octet-stream" : kept.contentType);
        assertThat(record.length()).isEqualTo(kept.body.length);
        assertThat(bytes(record)).as("%s", record).isEqualTo(kept.body);
      }
    }

    private final ByteBuffer scratch = ByteBuffer.allocateDirect(1 << 20);

    byte[] bytes(StoredRecord record) {
      try (RecordBody body = record.open()) {
        ByteBuffer whole = body.readWhole(scratch.clear());
        var bytes = new byte[whole.remaining()];
        whole.get(bytes);
        return bytes;
      }
    }

    /** With nothing left to do, what is counted must be what lies on the disk. */
    void checkIdle() {
      stores.scheduler.advanceMillis(30_000);
      check();
      if (!uploads.isEmpty()) {
        return;
      }
      for (String name : buckets.keySet()) {
        Bucket bucket = store.bucket(name);
        assertThat(bucket.diskBytes()).as(name).isEqualTo(bytesBelow(disk, bucket.folder()));
      }
      assertThat(folders()).hasSize(buckets.size());
    }

    private List<String> folders() {
      try {
        return disk.list("b");
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Bytes of all blocks and change logs of a bucket. */
  static long bytesBelow(Disk disk, String folder) {
    try {
      long bytes = 0;
      for (String child : disk.list(folder)) {
        String path = folder + "/" + child;
        if (child.endsWith(".blk") || child.endsWith(".chg")) {
          try (DiskFile file = disk.open(path)) {
            bytes += file.size();
          }
        } else if (child.indexOf('.') < 0) {
          bytes += bytesBelow(disk, path);
        }
      }
      return bytes;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void assertFits(@Nullable Throwable error, @Nullable Class<?> expected) {
    if (expected == null) {
      assertThat(error).isNull();
    } else {
      assertThat(error).isInstanceOf(expected);
    }
  }

  // ---------------------------------------------------------------- steps

  private interface Step {
    void take(World world);
  }

  /** A record to be written, as generated. */
  private record Item(long time, int length, int tag, Labels labels, String contentType) {
    Kept kept(String entry) {
      var body = new byte[length];
      for (int i = 0; i < length; i++) {
        body[i] = (byte) (tag * 31 + i * 7 + time);
      }
      Labels with =
          Names.isMeta(entry) && tag % 5 != 0
              ? labels.updated(Labels.of("key", "k" + tag % 3))
              : labels;
      return new Kept(body, contentType, with);
    }

    NewRecord toWrite(Kept kept) {
      return new NewRecord(time, contentType, kept.labels, ByteBuffer.wrap(kept.body));
    }
  }

  private record Create(String bucket, BucketSettings settings) implements Step {
    @Override
    public void take(World world) {
      Throwable error = catchThrowable(() -> world.store.createBucket(bucket, settings));
      assertFits(error, world.buckets.containsKey(bucket) ? PannierException.Conflict.class : null);
      world.buckets.putIfAbsent(bucket, new ModelBucket(settings));
    }
  }

  private record ChangeSettings(String bucket, BucketSettings settings) implements Step {
    @Override
    public void take(World world) {
      ModelBucket model = world.buckets.get(bucket);
      if (model != null) {
        world.store.bucket(bucket).changeSettings(settings);
        model.settings = settings;
        model.ceiling = Math.max(settings.quotaSize(), world.charged(model));
      }
    }
  }

  private record RenameBucket(String bucket, String to) implements Step {
    @Override
    public void take(World world) {
      Throwable error = catchThrowable(() -> world.store.renameBucket(bucket, to));
      assertFits(
          error,
          !world.buckets.containsKey(bucket)
              ? PannierException.NotFound.class
              : world.buckets.containsKey(to) ? PannierException.Conflict.class : null);
      if (error == null) {
        world.buckets.put(to, world.buckets.remove(bucket));
      }
    }
  }

  private record RemoveBucket(String bucket) implements Step {
    @Override
    public void take(World world) {
      Throwable error = catchThrowable(() -> world.store.removeBucket(bucket));
      assertFits(error, world.buckets.containsKey(bucket) ? null : PannierException.NotFound.class);
      ModelBucket removed = world.buckets.remove(bucket);
      if (removed != null) {
        removed.entries.values().forEach(entry -> entry.gone = true);
      }
    }
  }

  /** A step on an entry that may be missing; then there is nothing to do. */
  private interface EntryStep extends Step {
    String bucket();

    String entry();

    void take(World world, ModelEntry model, Entry found);

    @Override
    default void take(World world) {
      ModelBucket model = world.buckets.get(bucket());
      if (model == null) {
        return;
      }
      ModelEntry entry = model.entries.get(entry());
      Throwable error = catchThrowable(() -> world.store.bucket(bucket()).entry(entry()));
      assertFits(error, entry == null ? PannierException.NotFound.class : null);
      if (entry != null) {
        take(world, entry, world.store.bucket(bucket()).entry(entry()));
      }
    }
  }

  private enum How {
    WRITE,
    TRY,
    ALL,
    TRY_ALL
  }

  private record Write(String bucket, String entry, List<Item> items, How how) implements Step {
    @Override
    public void take(World world) {
      ModelBucket model = world.buckets.get(bucket);
      if (model == null) {
        return;
      }
      ModelEntry target = model.forWrite(entry);
      Entry into = world.store.bucket(bucket).entryForWrite(entry);
      var records = new ArrayList<NewRecord>();
      var expected = new ArrayList<Class<?>>();
      for (Item item : items) {
        if (world.isUploading(target, item.time)) {
          continue;
        }
        Kept kept = item.kept(entry);
        Class<?> refusal = world.refusal(model, entry, target, item.time, kept, false);
        expected.add(refusal);
        records.add(item.toWrite(kept));
        if (refusal == null) {
          world.keep(Names.isMeta(entry), target, item.time, kept);
        }
      }
      var errors = new PannierException[records.size()];
      switch (how) {
        case ALL -> into.writeAll(records, errors);
        case TRY_ALL -> {
          if (!into.tryWriteAll(records, errors)) {
            into.writeAll(records, errors);
          }
        }
        case WRITE, TRY -> {
          for (int i = 0; i < errors.length; i++) {
            NewRecord record = records.get(i);
            errors[i] =
                (PannierException)
                    catchThrowable(() -> {
                      if (how == How.WRITE || !into.tryWrite(record)) {
                        into.write(record);
                      }
                    });
          }
        }
      }
      for (int i = 0; i < errors.length; i++) {
        assertFits(errors[i], expected.get(i));
      }
    }
  }

  private record BeginUpload(String bucket, String entry, Item item) implements Step {
    @Override
    public void take(World world) {
      ModelBucket model = world.buckets.get(bucket);
      if (model == null || world.uploads.size() >= 3) {
        return;
      }
      ModelEntry target = model.forWrite(entry);
      Entry into = world.store.bucket(bucket).entryForWrite(entry);
      if (world.isUploading(target, item.time)) {
        return;
      }
      Kept kept = item.kept(entry);
      var upload = new Upload[1];
      Throwable error =
          catchThrowable(() ->
              upload[0] =
                  into.beginUpload(item.time, item.contentType, kept.labels, kept.body.length));
      assertFits(error, world.refusal(model, entry, target, item.time, kept, true));
      if (error == null) {
        upload[0].write(ByteBuffer.wrap(kept.body, 0, kept.body.length / 2));
        world.uploads.add(
            new ModelUpload(model, target, Names.isMeta(entry), item.time, kept, upload[0]));
      }
    }
  }

  private enum End {
    COMMIT,
    ABORT,
    SHORT,
    LONG
  }

  private record EndUpload(int which, End end) implements Step {
    @Override
    public void take(World world) {
      if (world.uploads.isEmpty()) {
        return;
      }
      ModelUpload model = world.uploads.remove(which % world.uploads.size());
      byte[] body = model.record.body;
      int half = body.length / 2;
      try (Upload upload = model.upload) {
        switch (end) {
          case ABORT -> upload.abort();
          case SHORT ->
              assertThat(catchThrowable(upload::commit))
                  .satisfies(error ->
                      assertFits(
                          error,
                          half < body.length
                              ? PannierException.BadRequest.class
                              : model.entry.gone ? PannierException.Conflict.class : null));
          case LONG ->
              assertThat(
                      catchThrowable(
                          () -> upload.write(ByteBuffer.allocate(body.length - half + 1))))
                  .isInstanceOf(PannierException.BadRequest.class);
          case COMMIT -> {
            Throwable error =
                catchThrowable(() -> {
                  upload.write(ByteBuffer.wrap(body, half, body.length - half));
                  upload.commit();
                });
            assertFits(error, model.entry.gone ? PannierException.Conflict.class : null);
          }
        }
      }
      if (!model.entry.gone && (end == End.COMMIT || (end == End.SHORT && half == body.length))) {
        world.keep(model.attachment, model.entry, model.time, model.record);
      }
    }
  }

  private record Update(String bucket, String entry, List<Tuple.Tuple2<Long, Labels>> updates)
      implements EntryStep {
    @Override
    public void take(World world, ModelEntry model, Entry found) {
      var times = new long[updates.size()];
      var labels = new ArrayList<Labels>();
      var expected = new ArrayList<Class<?>>();
      ModelBucket bucket = world.buckets.get(bucket());
      var before = new TreeMap<>(model.records);
      for (int i = 0; i < times.length; i++) {
        times[i] = updates.get(i).get1();
        Map<String, String> update = updates.get(i).get2().toMap();
        if (Names.isMeta(entry)) {
          update.remove("key");
        }
        labels.add(Labels.of(update));
        Class<?> refusal = world.missing(model, times[i]);
        if (refusal == null) {
          Kept old = model.records.get(times[i]);
          var changed = new Kept(old.body, old.contentType, old.labels.updated(labels.get(i)));
          long growth = changed.size() - old.size();
          if (growth > 0 && world.isOverQuota(bucket, growth)) {
            refusal = PannierException.BadRequest.class;
          } else {
            model.records.put(times[i], changed);
          }
        }
        expected.add(refusal);
      }
      var errors = new PannierException[times.length];
      found.updateAll(times, labels, errors);
      if (bucket.settings.quotaType() == QuotaType.HARD && times.length > 1) {
        // Changes are applied block by block, so which of them the quota refuses is up to the
        // store.
        expected.clear();
        model.records.clear();
        model.records.putAll(before);
        for (int i = 0; i < times.length; i++) {
          if (errors[i] == null) {
            Kept old = model.records.get(times[i]);
            model.records.put(
                times[i], new Kept(old.body, old.contentType, old.labels.updated(labels.get(i))));
          }
        }
        assertThat(world.charged(bucket)).isLessThanOrEqualTo(bucket.ceiling);
        return;
      }
      for (int i = 0; i < times.length; i++) {
        assertFits(errors[i], expected.get(i));
      }
    }
  }

  private record Remove(String bucket, String entry, List<Long> times) implements EntryStep {
    @Override
    public void take(World world, ModelEntry model, Entry found) {
      var expected = new ArrayList<Class<?>>();
      for (long time : times) {
        expected.add(
            Names.isMeta(entry) ? PannierException.Invalid.class : world.missing(model, time));
        if (!Names.isMeta(entry)) {
          model.records.remove(time);
        }
      }
      var errors = new PannierException[times.size()];
      if (errors.length == 1) {
        errors[0] = (PannierException) catchThrowable(() -> found.remove(times.getFirst()));
      } else {
        found.removeAll(times.stream().mapToLong(time -> time).toArray(), errors);
      }
      for (int i = 0; i < errors.length; i++) {
        assertFits(errors[i], expected.get(i));
      }
    }
  }

  private record RemoveRange(
      String bucket, String entry, long from, long to, boolean bounded, @Nullable Labels with)
      implements EntryStep {
    @Override
    public void take(World world, ModelEntry model, Entry found) {
      TimeRange range = new TimeRange(from, bounded, to);
      Predicate<Labels> which =
          labels ->
              with == null
                  || with.toMap().entrySet().stream()
                      .allMatch(label -> label.getValue().equals(labels.get(label.getKey())));
      int before = model.records.size();
      model
          .records
          .entrySet()
          .removeIf(
              record -> range.contains(record.getKey()) && which.test(record.getValue().labels));
      long removed =
          with == null
              ? found.removeRange(range)
              : found.removeRange(range, record -> which.test(record.labels()));
      assertThat(removed).isEqualTo(before - model.records.size());
    }
  }

  private record RenameEntry(String bucket, String entry, String to) implements Step {
    @Override
    public void take(World world) {
      ModelBucket model = world.buckets.get(bucket);
      if (model == null) {
        return;
      }
      Throwable error = catchThrowable(() -> world.store.bucket(bucket).renameEntry(entry, to));
      assertFits(
          error,
          !model.entries.containsKey(entry)
              ? PannierException.NotFound.class
              : to.equals(entry) || to.startsWith(entry + "/") || model.entries.containsKey(to)
                  ? PannierException.Conflict.class
                  : Names.isMeta(entry) || Names.isMeta(to)
                      ? PannierException.Invalid.class
                      : null);
      if (error == null) {
        if (to.lastIndexOf('/') >= 0) {
          model.forWrite(to.substring(0, to.lastIndexOf('/')));
        }
        for (String name : model.below(entry)) {
          model.entries.put(to + name.substring(entry.length()), model.entries.remove(name));
        }
      }
    }
  }

  private record RemoveEntry(String bucket, String entry) implements Step {
    @Override
    public void take(World world) {
      ModelBucket model = world.buckets.get(bucket);
      if (model == null) {
        return;
      }
      Throwable error = catchThrowable(() -> world.store.bucket(bucket).removeEntry(entry));
      assertFits(
          error,
          !model.entries.containsKey(entry)
              ? PannierException.NotFound.class
              : Names.isMeta(entry) ? PannierException.Invalid.class : null);
      if (error == null) {
        for (String name : model.below(entry)) {
          model.entries.remove(name).gone = true;
        }
      }
    }
  }

  private record Restart(boolean clean) implements Step {
    @Override
    public void take(World world) {
      world.restart(clean);
    }
  }

  private record Advance(int millis) implements Step {
    @Override
    public void take(World world) {
      world.stores.scheduler.advanceMillis(millis);
    }
  }

  private record Idle() implements Step {
    @Override
    public void take(World world) {
      world.checkIdle();
    }
  }

  // ---------------------------------------------------------------- generating

  private static Arbitrary<Long> times() {
    Arbitrary<Long> near =
        Arbitraries.longs().between(0, TIMES - 1).withDistribution(RandomDistribution.uniform());
    return Arbitraries.frequencyOf(
        Tuple.of(8, near), Tuple.of(1, Arbitraries.of(Long.MAX_VALUE, Long.MIN_VALUE, -1L, -2L)));
  }

  private static Arbitrary<Labels> labels() {
    return Arbitraries.maps(
            Arbitraries.of("a", "b", "key", "é"), Arbitraries.of("", "1", "2.5", "true", "x", "ÿ€"))
        .ofMaxSize(3)
        .map(Labels::of);
  }

  private static Arbitrary<Item> items() {
    Arbitrary<Integer> lengths =
        Arbitraries.frequencyOf(
            Tuple.of(8, Arbitraries.integers().between(0, 40)),
            Tuple.of(2, Arbitraries.of(200, 1000)),
            Tuple.of(1, Arbitraries.of(65_536, 70_000)));
    return Combinators.combine(
            times(),
            lengths,
            Arbitraries.integers().between(0, 200),
            labels(),
            Arbitraries.of("", "text/plain", "image/png"))
        .as(Item::new);
  }

  private static Arbitrary<BucketSettings> settings(QuotaType... types) {
    return Combinators.combine(
            Arbitraries.of(types),
            Arbitraries.of(300L, 1_000L, 100_000L),
            Arbitraries.of(0L, 500L, 64_000_000L),
            Arbitraries.longs().between(1, 5))
        .as((type, quota, bytes, records) -> new BucketSettings(type, quota, bytes, records, null));
  }

  private static Arbitrary<Step> steps() {
    Arbitrary<String> bucket =
        Arbitraries.frequency(Tuple.of(5, BUCKETS.getFirst()), Tuple.of(1, BUCKETS.getLast()));
    Arbitrary<String> entry =
        Arbitraries.frequencyOf(
            Tuple.of(3, Arbitraries.just("a")), Tuple.of(2, Arbitraries.of(ENTRIES)));
    Arbitrary<BucketSettings> settings = settings(QuotaType.NONE, QuotaType.NONE, QuotaType.HARD);
    Arbitrary<Long> times = times();
    return Arbitraries.frequencyOf(
        Tuple.of(
            30,
            Combinators.combine(
                    bucket,
                    entry,
                    items()
                        .list()
                        .ofMinSize(1)
                        .ofMaxSize(8)
                        .withSizeDistribution(RandomDistribution.uniform()),
                    Arbitraries.of(How.class))
                .as(Write::new)),
        Tuple.of(6, Combinators.combine(bucket, entry, items()).as(BeginUpload::new)),
        Tuple.of(
            6,
            Combinators.combine(
                    Arbitraries.integers().between(0, 2),
                    Arbitraries.of(End.COMMIT, End.COMMIT, End.ABORT, End.SHORT, End.LONG))
                .as(EndUpload::new)),
        Tuple.of(
            12,
            Combinators.combine(
                    bucket,
                    entry,
                    Combinators.combine(times, labels())
                        .as(Tuple::of)
                        .list()
                        .ofMinSize(1)
                        .ofMaxSize(4))
                .as(Update::new)),
        Tuple.of(
            10,
            Combinators.combine(bucket, entry, times.list().ofMinSize(1).ofMaxSize(6))
                .as(Remove::new)),
        Tuple.of(
            6,
            Combinators.combine(
                    bucket,
                    entry,
                    times,
                    times,
                    Arbitraries.of(true, true, false),
                    labels().injectNull(0.5))
                .as(RemoveRange::new)),
        Tuple.of(1, Combinators.combine(bucket, settings).as(ChangeSettings::new)),
        Tuple.of(1, Combinators.combine(bucket, settings).as(Create::new)),
        Tuple.of(1, Combinators.combine(bucket, Arbitraries.of(BUCKETS)).as(RenameBucket::new)),
        Tuple.of(1, bucket.map(RemoveBucket::new)),
        Tuple.of(
            2, Combinators.combine(bucket, entry, Arbitraries.of(ENTRIES)).as(RenameEntry::new)),
        Tuple.of(2, Combinators.combine(bucket, entry).as(RemoveEntry::new)),
        Tuple.of(6, Arbitraries.of(true, false).map(Restart::new)),
        Tuple.of(8, Arbitraries.of(0, 100, 1_000, 6_000, 20_000).map(Advance::new)),
        Tuple.of(2, Arbitraries.just(new Idle())));
  }

  @Provide
  static Arbitrary<List<Step>> lives() {
    return Combinators.combine(
            settings(QuotaType.NONE, QuotaType.HARD),
            steps().list().ofMaxSize(60).withSizeDistribution(RandomDistribution.uniform()))
        .as((first, rest) -> {
          var all = new ArrayList<Step>();
          all.add(new Create(BUCKETS.getFirst(), first));
          all.addAll(rest);
          return all;
        });
  }

  private static void live(List<Step> life, boolean eager) {
    var world = new World(eager);
    for (Step step : life) {
      step.take(world);
      if (world.eager) {
        world.stores.scheduler.runDue();
      }
      world.check();
    }
    world.checkIdle();
    world.restart(true);
    world.check();
    world.checkIdle();
    world.restart(false);
    world.checkIdle();
  }

  @Property(edgeCases = EdgeCasesMode.NONE)
  void answersAsTheModel(@ForAll("lives") List<Step> life, @ForAll boolean eager) {
    live(life, eager);
  }

  @Property(tries = 20_000, edgeCases = EdgeCasesMode.NONE)
  @Tag("slow")
  void answersAsTheModelForLong(@ForAll("lives") List<Step> life, @ForAll boolean eager) {
    live(life, eager);
  }

  // ---------------------------------------------------------------- FIFO

  private enum Act {
    WRITE,
    UPLOAD,
    BELATED,
    UPDATE,
    REMOVE,
    CLEAN_RESTART,
    KILL,
    WAIT
  }

  /** A step in the life of a FIFO bucket; what the numbers mean depends on the act. */
  private record FifoStep(Act act, int entry, int count, int length, Labels labels) {}

  private static final int FIFO_BODY_MAX = 1_000;

  @Provide
  static Arbitrary<List<FifoStep>> fifoLives() {
    Arbitrary<Act> acts =
        Arbitraries.frequency(
            Tuple.of(20, Act.WRITE),
            Tuple.of(4, Act.UPLOAD),
            Tuple.of(4, Act.BELATED),
            Tuple.of(8, Act.UPDATE),
            Tuple.of(4, Act.REMOVE),
            Tuple.of(1, Act.CLEAN_RESTART),
            Tuple.of(1, Act.KILL),
            Tuple.of(3, Act.WAIT));
    return Combinators.combine(
            acts,
            Arbitraries.integers().between(0, 2),
            Arbitraries.integers().between(1, 8),
            Arbitraries.integers()
                .between(0, FIFO_BODY_MAX)
                .withDistribution(RandomDistribution.uniform()),
            labels())
        .as(FifoStep::new)
        .list()
        .ofMaxSize(80)
        .withSizeDistribution(RandomDistribution.uniform());
  }

  /** A FIFO bucket with its model, out of which goes what the bucket lets go. */
  private static final class FifoWorld {
    private static final List<String> NAMES = List.of("x", "y", "x/z");

    final World world = new World(true);
    final BucketSettings settings;
    final Map<String, ModelEntry> entries = new TreeMap<>();
    final java.util.Set<String> unordered = new java.util.HashSet<>();
    long time = 1_000;

    FifoWorld(BucketSettings settings) {
      this.settings = settings;
      world.store.createBucket("f", settings);
      NAMES.forEach(name -> entries.put(name, new ModelEntry()));
    }

    Bucket bucket() {
      return world.store.bucket("f");
    }

    void take(FifoStep step) {
      String name = NAMES.get(step.entry);
      Entry entry = bucket().entryForWrite(name);
      NavigableMap<Long, Kept> model = entries.get(name).records;
      Long some =
          model.isEmpty()
              ? null
              : model.floorKey(
                  model.firstKey() + (model.lastKey() - model.firstKey()) * step.count / 9);
      Long newest = null;
      switch (step.act) {
        case WRITE -> {
          var records = new ArrayList<NewRecord>();
          for (int i = 0; i < step.count; i++) {
            time += 1 + i % 3;
            records.add(put(model, time, step));
          }
          newest = time;
          var errors = new PannierException[records.size()];
          entry.writeAll(records, errors);
          assertThat(errors).containsOnlyNulls();
        }
        case UPLOAD -> {
          newest = ++time;
          NewRecord record = put(model, time, step);
          try (Upload upload = entry.beginUpload(time, "", step.labels, step.length)) {
            upload.write(record.body());
            upload.commit();
          }
        }
        case BELATED -> {
          long at = time - 1 - step.count * 7L;
          if (!model.containsKey(at)) {
            unordered.add(name);
            entry.write(put(model, at, step));
          }
        }
        case UPDATE -> {
          if (some != null) {
            Kept old = model.get(some);
            Throwable error = catchThrowable(() -> entry.updateLabels(some, step.labels));
            if (error == null) {
              model.put(some, new Kept(old.body, old.contentType, old.labels.updated(step.labels)));
            } else {
              assertThat(error).isInstanceOf(PannierException.NotFound.class);
            }
          }
        }
        case REMOVE -> {
          if (some != null) {
            assertThat(catchThrowable(() -> entry.remove(some)))
                .satisfiesAnyOf(
                    error -> assertThat(error).isNull(),
                    error -> assertThat(error).isInstanceOf(PannierException.NotFound.class));
            model.remove(some);
          }
        }
        case CLEAN_RESTART -> world.restart(true);
        case KILL -> world.restart(false);
        case WAIT -> world.stores.scheduler.advanceMillis(step.count * 1_000L);
      }
      check(newest == null ? null : name, newest);
      world.stores.scheduler.runDue();
      check(newest == null ? null : name, newest);
    }

    private NewRecord put(NavigableMap<Long, Kept> model, long at, FifoStep step) {
      var kept = new Item(at, step.length, (int) at, step.labels, "").kept("x");
      model.put(at, kept);
      return new NewRecord(at, "", step.labels, ByteBuffer.wrap(kept.body));
    }

    void check(@Nullable String written, @Nullable Long newest) {
      Bucket bucket = bucket();
      assertThat(bucket.diskBytes()).isLessThanOrEqualTo(settings.quotaSize());
      assertThat(bucket.diskBytes()).isEqualTo(bytesBelow(world.disk, bucket.folder()));
      boolean evicted = false;
      for (var item : entries.entrySet()) {
        Entry entry = bucket.findEntry(item.getKey()).orElse(null);
        if (entry == null) {
          continue;
        }
        NavigableMap<Long, Kept> model = item.getValue().records;
        List<StoredRecord> found = entry.scan(TimeRange.all(), 10_000);
        var times = found.stream().map(StoredRecord::timestamp).toList();
        assertThat(model.keySet()).containsAll(times);
        evicted |= times.size() < model.size();
        if (!unordered.contains(item.getKey()) && !times.isEmpty()) {
          assertThat(times).containsExactlyElementsOf(model.tailMap(times.getFirst()).keySet());
        }
        model.keySet().retainAll(times);
        world.check(entry, item.getValue());
      }
      if (evicted) {
        // No more goes than must: a block of five records at most.
        assertThat(bucket.diskBytes())
            .isGreaterThan(settings.quotaSize() - 8 * (FIFO_BODY_MAX + 300));
      }
      if (written != null) {
        assertThat(entries.get(written).records).containsKey(newest);
      }
      world.noBadNews();
    }
  }

  @Property(edgeCases = EdgeCasesMode.NONE)
  void fifoKeepsItsBoundAndTheNewest(
      @ForAll("fifoLives") List<FifoStep> life,
      @ForAll @LongRange(min = 1, max = 5) long blockRecords) {
    var world =
        new FifoWorld(new BucketSettings(QuotaType.FIFO, 30_000, 64_000_000, blockRecords, null));
    for (FifoStep step : life) {
      world.take(step);
    }
    world.world.stores.scheduler.advanceMillis(20_000);
    world.check(null, null);
  }
}
