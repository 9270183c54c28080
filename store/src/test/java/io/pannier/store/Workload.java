package io.pannier.store;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.ReferenceModel.BucketModel;
import io.pannier.store.ReferenceModel.EntryModel;
import io.pannier.store.ReferenceModel.FoundEntry;
import io.pannier.store.ReferenceModel.History;
import io.pannier.store.ReferenceModel.State;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A random life of a store, told to a {@link ReferenceModel} as it is answered. The same seed does
 * the same as long as it gets the same answers.
 */
final class Workload {
  /** Every body begins with number of entry, timestamp, number of body and length. */
  private static final int HEAD = 20;

  private static final long FIRST = 1_000_000;
  private static final String[] BUCKETS = {"red", "green", "blue"};
  private static final String[] ENTRIES = {"a", "b", "a/x", "b/y", "c", "c/z/z"};

  private final Machine machine;
  private final Store store;
  private final ReferenceModel model;
  private final SplittableRandom random;

  /** Whether the machine has stopped, so that the answer to what was just asked is unknown. */
  private final BooleanSupplier stopped;

  /** Whether something was made to fail, so that a failure is a fair answer. */
  private final BooleanSupplier failed;

  /** Whether a failed call may have done its work all the same. */
  private final boolean lenient;

  private final List<Uploading> uploads = new ArrayList<>();
  private long latest = FIRST;

  /** Whether what is awaited is the object store. */
  boolean remote;

  /** What was done, for the one who looks for a mistake. */
  final List<String> steps = new ArrayList<>();

  private record Uploading(
      EntryModel entry, Upload upload, long timestamp, State state, ByteBuffer rest) {}

  Workload(
      Machine machine,
      Store store,
      ReferenceModel model,
      long seed,
      BooleanSupplier stopped,
      BooleanSupplier failed,
      boolean lenient) {
    this.machine = machine;
    this.store = store;
    this.model = model;
    this.random = new SplittableRandom(seed);
    this.stopped = stopped;
    this.failed = failed;
    this.lenient = lenient;
    for (BucketModel bucket : model.buckets) {
      for (EntryModel entry : bucket.entries) {
        if (!entry.records.isEmpty()) {
          latest = Math.max(latest, entry.records.lastKey()); // tidy: small times of the workload
        }
      }
    }
  }

  /** Does so many things, or fewer when the machine stops. */
  void run(int count) {
    for (int i = 0; i < count && !stopped.getAsBoolean(); i++) {
      step();
      if (random.nextInt(3) > 0 && !stopped.getAsBoolean()) {
        machine.scheduler.runDue();
        // A ring may have given something up in the background before the machine stopped.
        model.buckets.forEach(this::maybeEvicted);
      }
      for (BucketModel bucket : model.buckets) {
        if (bucket.isThere()
            && (bucket.quota == QuotaType.FIFO || isLossTold())
            && !stopped.getAsBoolean()) {
          noteMissing(bucket);
        }
      }
    }
  }

  /** What rings gave up in the background since the last step is no loss. */
  void noteEvictions() {
    for (BucketModel bucket : model.buckets) {
      if (bucket.isThere() && bucket.quota == QuotaType.FIFO) {
        noteMissing(bucket);
      }
    }
  }

  /** Ends all uploads, so that the store may be closed. */
  void finish() {
    for (Uploading uploading : List.copyOf(uploads)) {
      uploads.remove(uploading);
      uploading.upload().abort();
    }
  }

  private void step() {
    int dice = random.nextInt(100);
    if (dice < 4 || model.buckets.isEmpty()) {
      createBucket();
    } else if (dice < 5) {
      removeBucket();
    } else if (dice < 6) {
      renameBucket();
    } else if (dice < 8) {
      changeSettings();
    } else if (dice < 14) {
      createEntry();
    } else if (dice < 16) {
      renameEntry();
    } else if (dice < 18) {
      removeEntry();
    } else if (dice < 38) {
      write(1);
    } else if (dice < 50) {
      write(2 + random.nextInt(8));
    } else if (dice < 55) {
      beginUpload();
    } else if (dice < 61) {
      goOnUploading();
    } else if (dice < 70) {
      updateLabels();
    } else if (dice < 78) {
      remove();
    } else if (dice < 81) {
      removeRange();
    } else if (dice < 93) {
      advance(
          switch (random.nextInt(3)) {
            case 0 -> 0;
            case 1 -> 150;
            default -> 5_500;
          });
    } else {
      awaitDurable();
    }
  }

  // ---------------------------------------------------------------- buckets and entries

  private <T> @Nullable T any(List<T> of) {
    return of.isEmpty() ? null : of.get(random.nextInt(of.size()));
  }

  private @Nullable BucketModel anyBucket() {
    return any(model.buckets.stream().filter(BucketModel::isThere).toList());
  }

  private @Nullable EntryModel anyEntry() {
    return any(
        model.buckets.stream()
            .filter(BucketModel::isThere)
            .flatMap(b -> b.entriesNow().stream())
            .toList());
  }

  private @Nullable String freeBucketName() {
    Set<String> taken = new HashSet<>();
    model.buckets.forEach(bucket -> taken.add(bucket.name.now()));
    return any(Arrays.stream(BUCKETS).filter(name -> !taken.contains(name)).toList());
  }

  /** Something that is asked of the store, and what it does when it is answered. */
  private void act(String what, Runnable call, Runnable done, Runnable maybe, Runnable resolve) {
    steps.add(what);
    try {
      call.run();
    } catch (PannierException refused) {
      steps.add("  " + refused);
      if (stopped.getAsBoolean() || (lenient && failed.getAsBoolean())) {
        maybe.run();
        return;
      }
      requireFair(refused);
      resolve.run();
      return;
    }
    if (stopped.getAsBoolean()) {
      steps.add("  answered, then stopped");
    }
    done.run();
  }

  private void requireFair(PannierException refused) {
    boolean full =
        refused instanceof PannierException.BadRequest && refused.getMessage().contains("exceeded");
    boolean busy = refused instanceof PannierException.Unavailable;
    if (!failed.getAsBoolean() && !full && !busy) {
      throw refused;
    }
  }

  private void createBucket() {
    String name = freeBucketName();
    if (name == null) {
      return;
    }
    BucketModel bucket = model.addBucket();
    int kind = random.nextInt(4);
    bucket.quota = kind == 0 ? QuotaType.FIFO : kind == 1 ? QuotaType.HARD : QuotaType.NONE;
    long quota = bucket.quota == QuotaType.FIFO ? 40_000 + random.nextInt(100_000) : 300_000;
    var settings =
        new BucketSettings(
            bucket.quota, quota, 8_000 + random.nextInt(60_000), 2 + random.nextInt(10), null);
    act(
        "create bucket " + name + " " + settings,
        () -> store.createBucket(name, settings),
        () -> setBucket(bucket, name),
        () -> bucket.name.maybe(name),
        () -> setBucket(bucket, store.findBucket(name).isPresent() ? name : ReferenceModel.NONE));
  }

  private void setBucket(BucketModel bucket, String name) {
    bucket.name.set(name);
    if (!remote) {
      bucket.name.setDurable();
    }
  }

  private void removeBucket() {
    BucketModel bucket = anyBucket();
    if (bucket == null) {
      return;
    }
    String name = bucket.name.now();
    act(
        "remove bucket " + name,
        () -> store.removeBucket(name),
        () -> setBucket(bucket, ReferenceModel.NONE),
        () -> bucket.name.maybe(ReferenceModel.NONE),
        () -> setBucket(bucket, store.findBucket(name).isPresent() ? name : ReferenceModel.NONE));
  }

  private void renameBucket() {
    BucketModel bucket = anyBucket();
    String fresh = freeBucketName();
    if (bucket == null || fresh == null) {
      return;
    }
    String name = bucket.name.now();
    act(
        "rename bucket " + name + " " + fresh,
        () -> store.renameBucket(name, fresh),
        () -> setBucket(bucket, fresh),
        () -> bucket.name.maybe(fresh),
        () -> setBucket(bucket, store.findBucket(fresh).isPresent() ? fresh : name));
  }

  private void changeSettings() {
    BucketModel bucket = anyBucket();
    if (bucket == null) {
      return;
    }
    Bucket real = store.bucket(bucket.name.now());
    BucketSettings was = real.settings();
    var settings =
        new BucketSettings(
            was.quotaType(),
            was.quotaSize(),
            was.maxBlockSize(),
            2 + random.nextInt(10),
            was.ack());
    act(
        "change " + bucket.name.now() + " to " + settings,
        () -> real.changeSettings(settings),
        () -> {},
        () -> {},
        () -> {});
  }

  private static @Nullable EntryModel entryNamed(BucketModel bucket, String name) {
    for (EntryModel entry : bucket.entriesNow()) {
      if (entry.name.now().equals(name)) {
        return entry;
      }
    }
    return null;
  }

  private List<String> missing(BucketModel bucket, String name) {
    var missing = new ArrayList<String>();
    for (int slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      missing.add(name.substring(0, slash));
    }
    missing.add(name);
    missing.removeIf(each -> entryNamed(bucket, each) != null);
    return missing;
  }

  private void createEntry() {
    BucketModel bucket = anyBucket();
    if (bucket == null) {
      return;
    }
    String name = ENTRIES[random.nextInt(ENTRIES.length)];
    Map<String, EntryModel> fresh = new TreeMap<>();
    missing(bucket, name).forEach(each -> fresh.put(each, model.addEntry(bucket)));
    Bucket real = store.bucket(bucket.name.now());
    act(
        "create entry " + bucket.name.now() + "/" + name,
        () -> real.entryForWrite(name),
        () -> fresh.forEach((each, entry) -> entry.name.set(each)),
        () -> fresh.forEach((each, entry) -> entry.name.maybe(each)),
        () -> resolveNew(real, fresh));
  }

  private static void resolveNew(Bucket real, Map<String, EntryModel> fresh) {
    fresh.forEach((each, entry) -> {
      if (real.findEntry(each).isPresent()) {
        entry.name.set(each);
      }
    });
  }

  private void renameEntry() {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    String from = entry.name.now();
    String to = ENTRIES[random.nextInt(ENTRIES.length)];
    if (to.equals(from) || to.startsWith(from + "/") || entryNamed(entry.bucket, to) != null) {
      return;
    }
    Map<String, EntryModel> fresh = new TreeMap<>();
    missing(entry.bucket, to).stream()
        .filter(each -> !each.equals(to))
        .forEach(each -> fresh.put(each, model.addEntry(entry.bucket)));
    Map<EntryModel, String> renamed = new HashMap<>();
    for (EntryModel other : entry.bucket.entriesNow()) {
      String name = other.name.now();
      if (name.equals(from) || name.startsWith(from + "/")) {
        renamed.put(other, to + name.substring(from.length()));
      }
    }
    Bucket real = store.bucket(entry.bucket.name.now());
    act(
        "rename entry " + entry.bucket.name.now() + "/" + from + " " + to,
        () -> real.renameEntry(from, to),
        () -> {
          fresh.forEach((each, parent) -> parent.name.set(each));
          renamed.forEach((each, name) -> each.name.set(name));
        },
        () -> {
          fresh.forEach((each, parent) -> parent.name.maybe(each));
          renamed.forEach((each, name) -> each.name.maybe(name));
        },
        () -> {
          resolveNew(real, fresh);
          if (real.findEntry(to).isPresent()) {
            renamed.forEach((each, name) -> each.name.set(name));
          }
        });
  }

  private void removeEntry() {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    String from = entry.name.now();
    List<EntryModel> leaving =
        entry.bucket.entriesNow().stream()
            .filter(
                other -> other.name.now().equals(from) || other.name.now().startsWith(from + "/"))
            .toList();
    Bucket real = store.bucket(entry.bucket.name.now());
    act(
        "remove entry " + entry.bucket.name.now() + "/" + from,
        () -> real.removeEntry(from),
        () -> leaving.forEach(each -> each.name.set(ReferenceModel.NONE)),
        () -> leaving.forEach(each -> each.name.maybe(ReferenceModel.NONE)),
        () -> {
          if (real.findEntry(from).isEmpty()) {
            leaving.forEach(each -> each.name.set(ReferenceModel.NONE));
          }
        });
  }

  // ---------------------------------------------------------------- records

  private Entry real(EntryModel entry) {
    return store.bucket(entry.bucket.name.now()).entry(entry.name.now());
  }

  private boolean isFree(EntryModel entry, long timestamp) {
    History<State> record = entry.records.get(timestamp);
    return (record == null || (!record.now().isThere() && !record.isUnknown()))
        && uploads.stream()
            .noneMatch(each -> each.entry() == entry && each.timestamp() == timestamp);
  }

  private long freeTime(EntryModel entry) {
    for (; ; ) {
      long timestamp =
          switch (random.nextInt(5)) {
            case 0 -> FIRST + random.nextInt(2_000);
            case 1 -> {
              var gone =
                  entry.records.keySet().stream().filter(time -> isFree(entry, time)).toList();
              Long again = any(gone);
              yield again == null ? ++latest : again;
            }
            default -> latest += 1 + random.nextInt(3);
          };
      if (isFree(entry, timestamp)) {
        return timestamp;
      }
    }
  }

  private int length() {
    return HEAD
        + switch (random.nextInt(10)) {
          case 0 -> 0;
          case 1, 2 -> random.nextInt(6_000);
          default -> random.nextInt(300);
        };
  }

  private Labels labels() {
    var builder = new Labels.Builder();
    for (int i = random.nextInt(3); i > 0; i--) {
      builder.set("l" + random.nextInt(3), "v" + random.nextInt(10_000));
    }
    return builder.build();
  }

  static byte[] body(EntryModel entry, long timestamp, State state) {
    return body(entry.number, timestamp, state.body(), state.length());
  }

  private static byte[] body(int entry, long timestamp, int body, int length) {
    var bytes = new byte[length];
    new SplittableRandom(31L * body + timestamp).nextBytes(bytes);
    ByteBuffer.wrap(bytes).putInt(entry).putLong(timestamp).putInt(body).putInt(length);
    return bytes;
  }

  private void write(int count) {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    var records = new ArrayList<NewRecord>();
    var states = new TreeMap<Long, State>();
    for (int i = 0; i < count; i++) {
      states.put(freeTime(entry), new State(model.newBody(), length(), labels()));
    }
    states.forEach((timestamp, state) ->
        records.add(
            new NewRecord(
                timestamp, "", state.labels(), ByteBuffer.wrap(body(entry, timestamp, state)))));
    var errors = new @Nullable PannierException[records.size()];
    Entry real = real(entry);
    boolean tryFirst = random.nextBoolean();
    act(
        "write " + entry.bucket.name.now() + "/" + entry.name.now() + " " + states,
        () -> {
          if (!tryFirst || !real.tryWriteAll(records, errors)) {
            Arrays.fill(errors, null);
            real.writeAll(records, errors);
          }
        },
        () -> {
          for (int i = 0; i < errors.length; i++) {
            long timestamp = records.get(i).timestamp();
            State state = states.get(timestamp);
            PannierException refused = errors[i];
            if (refused == null) {
              entry.record(timestamp).set(state);
            } else {
              steps.add("  " + timestamp + ": " + refused);
              if (stopped.getAsBoolean() || (lenient && failed.getAsBoolean())) {
                entry.record(timestamp).maybe(state);
              } else {
                requireFair(refused);
              }
            }
          }
          maybeEvicted(entry.bucket);
        },
        () -> {
          states.forEach((timestamp, state) -> entry.record(timestamp).maybe(state));
          maybeEvicted(entry.bucket);
        },
        () -> {});
  }

  private void maybeEvicted(BucketModel bucket) {
    if (bucket.quota == QuotaType.FIFO && stopped.getAsBoolean()) {
      for (EntryModel entry : bucket.entries) {
        entry.records.values().forEach(record -> record.maybe(State.NONE));
      }
    }
  }

  private void beginUpload() {
    EntryModel entry = anyEntry();
    if (entry == null || uploads.size() > 2) {
      return;
    }
    long timestamp = freeTime(entry);
    int length = random.nextInt(3) == 0 ? HEAD + random.nextInt(90_000) : length();
    if (entry.bucket.quota == QuotaType.FIFO) {
      length = Math.min(length, 8_000);
    }
    var state = new State(model.newBody(), length, labels());
    Entry real = real(entry);
    act(
        "begin upload "
            + entry.bucket.name.now()
            + "/"
            + entry.name.now()
            + " "
            + timestamp
            + " "
            + state,
        () ->
            uploads.add(
                new Uploading(
                    entry,
                    real.beginUpload(timestamp, "", state.labels(), state.length()),
                    timestamp,
                    state,
                    ByteBuffer.wrap(body(entry, timestamp, state)))),
        () -> {},
        () -> maybeEvicted(entry.bucket),
        () -> {});
  }

  private void goOnUploading() {
    Uploading uploading = any(uploads);
    if (uploading == null) {
      return;
    }
    EntryModel entry = uploading.entry();
    boolean abort = random.nextInt(5) == 0;
    boolean whole = random.nextInt(3) > 0;
    int left = uploading.rest().remaining();
    int piece = whole ? left : random.nextInt(left + 1);
    if (!entry.isThere()) {
      uploads.remove(uploading);
      uploading.upload().abort();
      return;
    }
    if (abort || whole) {
      uploads.remove(uploading);
    }
    act(
        (abort ? "abort " : whole ? "commit " : "go on ")
            + entry.bucket.name.now()
            + "/"
            + entry.name.now()
            + " "
            + uploading.timestamp(),
        () -> {
          try {
            if (!abort) {
              ByteBuffer rest = uploading.rest();
              uploading.upload().write(rest.slice(rest.position(), piece));
              rest.position(rest.position() + piece);
              if (whole) {
                uploading.upload().commit();
              }
            }
          } catch (PannierException refused) {
            uploads.remove(uploading);
            uploading.upload().abort();
            throw refused;
          }
          if (abort) {
            uploading.upload().abort();
          }
        },
        () -> {
          if (whole && !abort) {
            entry.record(uploading.timestamp()).set(uploading.state());
          }
          maybeEvicted(entry.bucket);
        },
        () -> {
          if (whole && !abort) {
            entry.record(uploading.timestamp()).maybe(uploading.state());
          }
          maybeEvicted(entry.bucket);
        },
        () -> {});
  }

  private List<Long> someTimes(EntryModel entry) {
    var times = new ArrayList<Long>();
    var there = entry.timesNow();
    for (int i = 1 + random.nextInt(4); i > 0 && !there.isEmpty(); i--) {
      Long time = Objects.requireNonNull(any(there));
      if (!times.contains(time) && !entry.record(time).isUnknown()) {
        times.add(time);
      }
    }
    return times;
  }

  private void updateLabels() {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    List<Long> times = someTimes(entry);
    List<Labels> updates = times.stream().map(time -> labels()).toList();
    var states = new TreeMap<Long, State>();
    for (int i = 0; i < times.size(); i++) {
      State was = entry.record(times.get(i)).now();
      states.put(
          times.get(i), new State(was.body(), was.length(), was.labels().updated(updates.get(i))));
    }
    Entry real = real(entry);
    change(
        "update " + entry.bucket.name.now() + "/" + entry.name.now() + " " + states,
        entry,
        times,
        states,
        errors ->
            real.updateAll(times.stream().mapToLong(time -> time).toArray(), updates, errors));
  }

  private void remove() {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    List<Long> times = someTimes(entry);
    var states = new TreeMap<Long, State>();
    times.forEach(time -> states.put(time, State.NONE));
    Entry real = real(entry);
    change(
        "remove " + entry.bucket.name.now() + "/" + entry.name.now() + " " + times,
        entry,
        times,
        states,
        errors -> real.removeAll(times.stream().mapToLong(time -> time).toArray(), errors));
  }

  private interface Change {
    void run(@Nullable PannierException[] errors);
  }

  private void change(
      String what, EntryModel entry, List<Long> times, Map<Long, State> states, Change change) {
    var errors = new @Nullable PannierException[times.size()];
    act(
        what,
        () -> change.run(errors),
        () -> {
          boolean open = false;
          for (int i = 0; i < errors.length; i++) {
            long timestamp = times.get(i);
            PannierException refused = errors[i];
            if (refused == null) {
              entry.record(timestamp).set(states.get(timestamp));
            } else {
              steps.add("  " + timestamp + ": " + refused);
              entry.record(timestamp).maybe(states.get(timestamp));
              open = true;
              if (!stopped.getAsBoolean()) {
                requireFair(refused);
              }
            }
          }
          if (open && !stopped.getAsBoolean() && !lenient) {
            resolve(entry);
          }
        },
        () -> states.forEach((timestamp, state) -> entry.record(timestamp).maybe(state)),
        () -> {
          states.forEach((timestamp, state) -> entry.record(timestamp).maybe(state));
          resolve(entry);
        });
  }

  private void removeRange() {
    EntryModel entry = anyEntry();
    if (entry == null) {
      return;
    }
    long from = FIRST + random.nextInt(2_000);
    long to = from + random.nextInt(200);
    List<Long> times = entry.timesNow().stream().filter(time -> time >= from && time < to).toList();
    var states = new TreeMap<Long, State>();
    times.forEach(time -> states.put(time, State.NONE));
    Entry real = real(entry);
    change(
        "remove range "
            + entry.bucket.name.now()
            + "/"
            + entry.name.now()
            + " "
            + from
            + " "
            + to
            + " "
            + times,
        entry,
        times,
        states,
        errors -> real.removeRange(TimeRange.of(from, to)));
  }

  /** After a failure that leaves it open: what readers see is what counts from now on. */
  private void resolve(EntryModel entry) {
    TreeMap<Long, State> seen = observe(real(entry)).records();
    entry.records.forEach((timestamp, record) -> {
      if (record.isUnknown()) {
        State state = seen.getOrDefault(timestamp, State.NONE);
        boolean lost = isLossTold() && !state.isThere() && !record.isDurable();
        if (!lost && !record.after(ReferenceModel.End.KILL).contains(state)) {
          throw new AssertionError(
              "record " + timestamp + " of " + entry + " is " + state + " but had " + record);
        }
        record.set(state);
      }
    });
  }

  /** A device that failed to sync may have lost what was not durable; the engine says so. */
  private boolean isLossTold() {
    return !machine.told(StoreEvents.Kind.LOSS).isEmpty();
  }

  private void noteMissing(BucketModel bucket) {
    for (EntryModel entry : bucket.entriesNow()) {
      TreeMap<Long, State> seen;
      try {
        seen = observe(real(entry)).records();
      } catch (PannierException unreadable) {
        requireFair(unreadable);
        continue;
      }
      entry.records.forEach((timestamp, record) -> {
        if (record.now().isThere() && !record.isUnknown() && !seen.containsKey(timestamp)) {
          if (bucket.quota != QuotaType.FIFO && record.isDurable()) {
            throw new AssertionError(
                "record " + timestamp + " of " + entry + " is lost: " + record);
          }
          record.set(State.NONE);
        }
      });
    }
  }

  // ---------------------------------------------------------------- time

  private void advance(long millis) {
    steps.add("advance " + millis);
    machine.scheduler.advanceMillis(millis);
    model.buckets.forEach(this::maybeEvicted);
  }

  private void awaitDurable() {
    steps.add("await durable");
    var moment = model.moment();
    Consumer<Optional<PannierException>> answer =
        problem -> {
          steps.add("  " + problem.map(Object::toString).orElse("durable"));
          if (problem.isEmpty()) {
            model.durable(moment);
          } else if (!stopped.getAsBoolean()) {
            requireFair(problem.get());
          }
        };
    if (remote) {
      store.whenRemote(answer);
    } else {
      store.whenDurable(answer);
    }
    machine.scheduler.runDue();
  }

  // ---------------------------------------------------------------- looking

  /** Everything a store shows, with every body compared to what was once written. */
  static Map<String, Map<String, FoundEntry>> observe(Store store) {
    var found = new TreeMap<String, Map<String, FoundEntry>>();
    for (Bucket bucket : store.buckets()) {
      var entries = new TreeMap<String, FoundEntry>();
      long size = 0;
      for (Entry entry : bucket.entries()) {
        entries.put(entry.name(), observe(entry));
        size += entry.info().size();
      }
      if (size != bucket.info().size()) {
        throw new AssertionError(
            "bucket " + bucket + " says " + bucket.info() + ", its entries sum up to " + size);
      }
      found.put(bucket.name(), entries);
    }
    return found;
  }

  static FoundEntry observe(Entry entry) {
    var records = new TreeMap<Long, State>();
    int number = 0;
    long size = 0;
    for (StoredRecord record : entry.scan(TimeRange.all(), 100_000)) {
      byte[] bytes = TestStores.bytes(record);
      var head = ByteBuffer.wrap(bytes);
      if (bytes.length < HEAD) {
        throw new AssertionError(record + " is too short");
      }
      int owner = head.getInt();
      long timestamp = head.getLong();
      int body = head.getInt();
      int length = head.getInt();
      if (timestamp != record.timestamp()
          || length != bytes.length
          || (number != 0 && owner != number)
          || !Arrays.equals(bytes, body(owner, timestamp, body, length))) {
        throw new AssertionError(record + " has a body that was never written");
      }
      number = owner;
      size += Active.sizeOf(length, record.labels());
      records.put(timestamp, new State(body, length, record.labels()));
    }
    EntryInfo info = entry.info();
    Optional<Long> oldest = records.isEmpty() ? Optional.empty() : Optional.of(records.firstKey());
    if (info.recordCount() != records.size()
        || info.size() != size
        || info.oldestRecord() != oldest.orElse(0L)
        || info.latestRecord() != (records.isEmpty() ? 0 : records.lastKey())) {
      throw new AssertionError(
          info + " but " + records.size() + " records of " + size + " bytes: " + records.keySet());
    }
    return new FoundEntry(number, records);
  }
}
