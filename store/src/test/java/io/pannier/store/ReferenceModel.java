package io.pannier.store;

import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a store may hold after a crash: of every name and every record all values it has had, and
 * which of them was the last on the device.
 */
final class ReferenceModel {
  /** How the process came to its end. */
  enum End {
    /** All that was answered must be there, and nothing else. */
    KILL,
    /** What was answered as durable must be there; what was answered later may be there in part. */
    POWER_LOSS
  }

  /** A name that is not there. */
  static final String NONE = "";

  /** A record: its body, its labels; or none. */
  record State(int body, int length, Labels labels) {
    static final State NONE = new State(-1, 0, Labels.EMPTY);

    boolean isThere() {
      return body >= 0;
    }
  }

  /** All values of one thing, in their order. */
  static final class History<T> {
    private final List<T> values = new ArrayList<>();
    private final Set<T> unknown = new HashSet<>();
    private int durable;

    History(T first) {
      values.add(first);
    }

    T now() {
      return values.getLast();
    }

    /** It was answered. */
    void set(T value) {
      values.add(value);
      unknown.clear();
    }

    /** It was asked for and never answered, or answered with a failure that leaves it open. */
    void maybe(T value) {
      unknown.add(value);
    }

    boolean isUnknown() {
      return !unknown.isEmpty();
    }

    void setDurable() {
      durable = values.size() - 1;
    }

    /** Whether its last value was answered as durable. */
    boolean isDurable() {
      return durable == values.size() - 1;
    }

    Set<T> after(End end) {
      var allowed = new HashSet<>(unknown);
      allowed.addAll(end == End.KILL ? List.of(now()) : values.subList(durable, values.size()));
      return allowed;
    }

    @Override
    public String toString() {
      return values + " durable from " + durable + (unknown.isEmpty() ? "" : " or " + unknown);
    }
  }

  /** A bucket that was ever created. */
  static final class BucketModel {
    final History<String> name = new History<>(NONE);
    QuotaType quota = QuotaType.NONE;
    final List<EntryModel> entries = new ArrayList<>();

    boolean isThere() {
      return !name.now().isEmpty();
    }

    List<EntryModel> entriesNow() {
      return entries.stream().filter(EntryModel::isThere).toList();
    }
  }

  /** An entry that was ever created; its bodies carry its number. */
  static final class EntryModel {
    final int number;
    final BucketModel bucket;
    final History<String> name = new History<>(NONE);
    final TreeMap<Long, History<State>> records = new TreeMap<>();

    EntryModel(int number, BucketModel bucket) {
      this.number = number;
      this.bucket = bucket;
    }

    boolean isThere() {
      return bucket.isThere() && !name.now().isEmpty();
    }

    History<State> record(long timestamp) {
      return records.computeIfAbsent(timestamp, missing -> new History<>(State.NONE));
    }

    List<Long> timesNow() {
      return records.entrySet().stream()
          .filter(e -> e.getValue().now().isThere())
          .map(Map.Entry::getKey)
          .toList();
    }

    @Override
    public String toString() {
      return "entry " + number + " (" + name + ")";
    }
  }

  /** What was found of an entry; number 0: it has no record to tell. */
  record FoundEntry(int number, TreeMap<Long, State> records) {}

  final List<BucketModel> buckets = new ArrayList<>();
  private int lastEntry;
  private int lastBody;

  /** A model in which all that was found is the last word. */
  static ReferenceModel of(
      Map<String, Map<String, FoundEntry>> found, Map<String, QuotaType> quotas) {
    var model = new ReferenceModel();
    for (var foundBucket : found.entrySet()) {
      for (FoundEntry entry : foundBucket.getValue().values()) {
        model.lastEntry = Math.max(model.lastEntry, entry.number());
        for (State state : entry.records().values()) {
          model.lastBody = Math.max(model.lastBody, state.body());
        }
      }
    }
    for (var foundBucket : found.entrySet()) {
      BucketModel bucket = model.addBucket();
      bucket.quota = quotas.getOrDefault(foundBucket.getKey(), QuotaType.NONE);
      bucket.name.set(foundBucket.getKey());
      for (var foundEntry : foundBucket.getValue().entrySet()) {
        FoundEntry facts = foundEntry.getValue();
        var entry =
            new EntryModel(facts.number() == 0 ? ++model.lastEntry : facts.number(), bucket);
        bucket.entries.add(entry);
        entry.name.set(foundEntry.getKey());
        facts.records().forEach((timestamp, state) -> entry.record(timestamp).set(state));
      }
    }
    model.durable(model.moment());
    return model;
  }

  BucketModel addBucket() {
    var bucket = new BucketModel();
    buckets.add(bucket);
    return bucket;
  }

  EntryModel addEntry(BucketModel bucket) {
    var entry = new EntryModel(++lastEntry, bucket);
    bucket.entries.add(entry);
    return entry;
  }

  int newBody() {
    return ++lastBody;
  }

  private Collection<History<?>> histories() {
    var all = new ArrayList<History<?>>();
    for (BucketModel bucket : buckets) {
      all.add(bucket.name);
      for (EntryModel entry : bucket.entries) {
        all.add(entry.name);
        all.addAll(entry.records.values());
      }
    }
    return all;
  }

  /** How far everything has come. */
  Map<History<?>, Integer> moment() {
    var moment = new HashMap<History<?>, Integer>();
    for (History<?> history : histories()) {
      moment.put(history, history.values.size() - 1);
    }
    return moment;
  }

  /** What was answered up to this moment is on the device. */
  void durable(Map<History<?>, Integer> moment) {
    moment.forEach((history, at) -> history.durable = Math.max(history.durable, at));
  }

  /** All that must not be found like this. */
  List<String> complaints(Map<String, Map<String, FoundEntry>> found, End end) {
    var wrong = new ArrayList<String>();
    var byNumber = new HashMap<Integer, String[]>();
    for (var foundBucket : found.entrySet()) {
      String bucketName = foundBucket.getKey();
      if (buckets.stream().noneMatch(bucket -> bucket.name.after(end).contains(bucketName))) {
        wrong.add("bucket " + bucketName + " should not be there");
      }
      for (var foundEntry : foundBucket.getValue().entrySet()) {
        String entryName = foundEntry.getKey();
        boolean known =
            buckets.stream()
                .filter(bucket -> bucket.name.after(end).contains(bucketName))
                .flatMap(bucket -> bucket.entries.stream())
                .anyMatch(entry -> entry.name.after(end).contains(entryName));
        if (!known) {
          wrong.add("entry " + bucketName + "/" + entryName + " should not be there");
        }
        int number = foundEntry.getValue().number();
        if (number != 0 && byNumber.put(number, new String[] {bucketName, entryName}) != null) {
          wrong.add("records of entry " + number + " are in two places");
        }
      }
    }
    for (BucketModel bucket : buckets) {
      Set<String> names = bucket.name.after(end);
      if (!names.contains(NONE) && names.stream().noneMatch(found::containsKey)) {
        wrong.add("bucket " + bucket.name + " is missing");
      }
      for (EntryModel entry : bucket.entries) {
        complain(wrong, found, byNumber, entry, end);
      }
    }
    return wrong;
  }

  private static void complain(
      List<String> wrong,
      Map<String, Map<String, FoundEntry>> found,
      Map<Integer, String[]> byNumber,
      EntryModel entry,
      End end) {
    Set<String> bucketNames = entry.bucket.name.after(end);
    Set<String> names = entry.name.after(end);
    String[] place = byNumber.get(entry.number);
    TreeMap<Long, State> records = new TreeMap<>();
    if (place != null) {
      if (!bucketNames.contains(place[0]) || !names.contains(place[1])) {
        wrong.add(entry + " should not be at " + place[0] + "/" + place[1]);
      }
      records = found.get(place[0]).get(place[1]).records();
    } else if (bucketNames.contains(NONE) || names.contains(NONE)) {
      return;
    } else if (bucketNames.stream()
        .noneMatch(b ->
            names.stream().anyMatch(n -> found.containsKey(b) && found.get(b).containsKey(n)))) {
      wrong.add(entry + " is missing");
      return;
    }
    for (var known : entry.records.entrySet()) {
      State state = records.getOrDefault(known.getKey(), State.NONE);
      if (!known.getValue().after(end).contains(state)) {
        wrong.add(
            "record "
                + known.getKey()
                + " of "
                + entry
                + " is "
                + state
                + " but had "
                + known.getValue());
      }
    }
    for (long timestamp : records.keySet()) {
      if (!entry.records.containsKey(timestamp)) {
        wrong.add("record " + timestamp + " of " + entry + " was never written");
      }
    }
  }
}
