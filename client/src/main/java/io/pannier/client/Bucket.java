package io.pannier.client;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A bucket of a store and the records in it. Any number of threads may use it. */
public final class Bucket {
  private static final String META = "/$meta";

  private final Api api;
  private final String name;
  private final Writes writes;

  Bucket(Api api, String name) {
    this.api = api;
    this.name = name;
    writes = new Writes(api, name);
  }

  /** Its name. */
  public String name() {
    return name;
  }

  private String path() {
    return "b/" + Api.segment(name);
  }

  private long now() {
    return api.transport().options().clock().wallMicros();
  }

  // The bucket itself.

  /**
   * The bucket with its settings and entries.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="bucket"}
   */
  public BucketDetail detail() {
    return BucketDetail.of(api.object(api.request("GET", path()), Repeat.ALWAYS));
  }

  /** Its sums. */
  public BucketInfo info() {
    return detail().info();
  }

  /** Its settings. */
  public BucketSettings settings() {
    return detail().settings();
  }

  /** Its entries, by name. */
  public List<EntryInfo> entries() {
    return detail().entries();
  }

  /** Changes settings; what is not set stays. */
  public void setSettings(BucketOptions options) {
    api.transport().ask(api.request("PUT", path(), options.json()), Repeat.ALWAYS);
  }

  /** Gives it another name. Returns the bucket of that name; this object keeps the old one. */
  public Bucket rename(String newName) {
    api.require(12, "Renaming a bucket");
    rename(path(), newName);
    return new Bucket(api, newName);
  }

  private void rename(String path, String newName) {
    api.transport()
        .ask(
            api.request(
                "PUT", path + "/rename", Map.<String, @Nullable Object>of("new_name", newName)),
            Repeat.NEVER);
  }

  /** Removes it with all its records. */
  public void remove() {
    removed(path());
  }

  private void removed(String removedPath) {
    Transport.Whole answer =
        api.transport().askAny(api.request("DELETE", removedPath), Repeat.ALWAYS);
    // After a lost answer it may be gone already.
    if (!answer.head().isSuccess() && !(answer.head().status() == 404 && answer.isUncertain())) {
      throw answer.head().refusal();
    }
  }

  /** Removes an entry with all its records and those of the entries below it. */
  public void removeEntry(String entry) {
    removed(Api.entryPath(name, entry));
  }

  /** Gives an entry another name. */
  public void renameEntry(String entry, String newName) {
    api.require(12, "Renaming an entry");
    rename(Api.entryPath(name, entry), newName);
  }

  // Single records.

  /**
   * Writes a record.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="write"}
   *
   * @throws ClientException.Refused 409 when there is one of this time
   */
  public void write(String entry, Outgoing record) {
    writes.write(entry, record);
  }

  /** Writes bytes as a record without labels. */
  public void write(String entry, long timestamp, byte[] bytes) {
    write(entry, Outgoing.of(timestamp, Body.of(bytes)));
  }

  /**
   * Reads the record of a time; close it.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="read"}
   */
  public StoredRecord read(String entry, long timestamp) {
    return open(entry, timestamp);
  }

  /** Reads the newest record of an entry; close it. */
  public StoredRecord readLatest(String entry) {
    return open(entry, null);
  }

  private StoredRecord open(String entry, @Nullable Long timestamp) {
    Transport.Open open =
        api.transport().open(api.record("GET", name, entry, timestamp), Repeat.ALWAYS);
    return new StoredRecord(Api.recordInfo(entry, open.head()), open.body());
  }

  /** What the store says about the record of a time; empty when there is none. */
  public Optional<RecordInfo> find(String entry, long timestamp) {
    return head(entry, timestamp);
  }

  /** What the store says about the newest record; empty when there is none. */
  public Optional<RecordInfo> findLatest(String entry) {
    return head(entry, null);
  }

  private Optional<RecordInfo> head(String entry, @Nullable Long timestamp) {
    HttpAnswer head =
        api.transport().askAny(api.record("HEAD", name, entry, timestamp), Repeat.ALWAYS).head();
    if (head.status() == 404) {
      return Optional.empty();
    }
    if (!head.isSuccess()) {
      throw head.refusal();
    }
    return Optional.of(Api.recordInfo(entry, head));
  }

  /**
   * Sets labels of a record, and by empty values removes some; others stay.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="labels"}
   */
  public void updateLabels(String entry, long timestamp, Labels labels) {
    writes.update(entry, timestamp, labels);
  }

  /** Removes one record. */
  public void removeRecord(String entry, long timestamp) {
    api.require(12, "Removing a record");
    writes.remove(entry, timestamp);
  }

  // Many records.

  /**
   * Writes records of one entry, in as few requests as it takes.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="batch"}
   */
  public BatchErrors writeBatch(String entry, List<Outgoing> records) {
    return writes.writeOf(entry, records);
  }

  /** Changes labels of records of one entry. */
  public BatchErrors updateBatch(String entry, List<LabelUpdate> updates) {
    return writes.updateOf(entry, updates);
  }

  /** Removes records of one entry. */
  public BatchErrors removeBatch(String entry, List<Long> timestamps) {
    api.require(12, "Removing records");
    return writes.removeOf(entry, timestamps);
  }

  /**
   * Writes records of several entries.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="many"}
   */
  public BatchErrors writeMany(Map<String, List<Outgoing>> recordsByEntry) {
    List<Keyed<Outgoing>> records = new ArrayList<>();
    recordsByEntry.forEach((entry, ofEntry) -> {
      for (Outgoing record : ofEntry) {
        records.add(new Keyed<>(entry, record.timestamp(), record));
      }
    });
    return writes.writeMany(records);
  }

  /** Changes labels of records of several entries; needs API 1.18. */
  public BatchErrors updateMany(Map<RecordKey, Labels> updates) {
    api.require(18, "Changing labels in several entries at once");
    List<Keyed<Labels>> keyed = new ArrayList<>();
    updates.forEach((key, labels) -> keyed.add(new Keyed<>(key.entry(), key.timestamp(), labels)));
    return writes.updateMany(keyed);
  }

  /** Removes records of several entries; needs API 1.18. */
  public BatchErrors removeMany(List<RecordKey> records) {
    api.require(18, "Removing records of several entries at once");
    return writes.removeMany(records);
  }

  /**
   * A writer that gathers records into batches.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="writer"}
   */
  public BatchWriter writer(BatchWriter.Options options, BatchWriter.Listener listener) {
    return new BatchWriter(writes, options, listener);
  }

  // Queries.

  /** Records of one entry, in the order of time; see {@link RecordStream}. */
  public RecordStream query(String entry, QueryOptions options) {
    return new RecordStream(api, name, List.of(entry), options, false);
  }

  /**
   * Records of several entries, in the order of time; needs API 1.18.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="query-many"}
   *
   * @param entries names, patterns with {@code *} and {@code **}, exclusions with {@code !}; empty:
   *     all
   */
  public RecordStream query(List<String> entries, QueryOptions options) {
    return new RecordStream(api, name, entries, options, entries.size() != 1);
  }

  /**
   * New records of entries from now on, until it is closed; needs API 1.18.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="follow"}
   */
  public RecordStream follow(List<String> entries, QueryOptions options) {
    QueryOptions from = options.start().isPresent() ? options : options.from(now());
    return new RecordStream(api, name, entries, from.continuously(), true);
  }

  /**
   * Removes the records of one entry that a query finds.
   *
   * @return how many
   * @throws ClientException.Refused 422 when it says neither start, stop nor condition
   */
  public long removeQuery(String entry, QueryOptions options) {
    String query = Api.entryPath(name, entry) + "/q";
    HttpRequest request =
        api.minor() >= 13
            ? api.request("POST", query, options.body("REMOVE", List.of()))
            : api.request("DELETE", query + RecordStream.Old.parameters(options));
    return Json.number(api.object(request, Repeat.NEVER), "removed_records");
  }

  /**
   * Removes the records of several entries that a query finds; needs API 1.18.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="remove-query"}
   */
  public long removeQuery(List<String> entries, QueryOptions options) {
    api.require(18, "Removing from several entries at once");
    return Json.number(
        api.object(
            api.request("POST", "io/" + Api.segment(name) + "/q", options.body("REMOVE", entries)),
            Repeat.NEVER),
        "removed_records");
  }

  // Attachments.

  /**
   * Writes JSON documents that belong to an entry; one of the same key is replaced. Needs API 1.19.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="attachments"}
   *
   * @param documents JSON by key
   */
  public void writeAttachments(String entry, Map<String, String> documents) {
    api.require(19, "An attachment");
    List<Keyed<Outgoing>> records = new ArrayList<>();
    long timestamp = now();
    for (var document : documents.entrySet()) {
      Outgoing record =
          new Outgoing(
              timestamp,
              "application/json",
              Labels.of("key", document.getKey()),
              Body.of(document.getValue()));
      records.add(new Keyed<>(entry + META, timestamp++, record));
    }
    BatchErrors errors = writes.writeMany(records);
    if (!errors.isEmpty()) {
      throw errors.byRecord().values().iterator().next();
    }
  }

  /** The JSON documents of an entry by key. Needs API 1.19. */
  public Map<String, String> attachments(String entry) {
    api.require(19, "An attachment");
    Map<String, String> documents = new LinkedHashMap<>();
    try (RecordStream records = query(List.of(entry + META), QueryOptions.all())) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        String key = record.labels().get("key");
        if (key != null) {
          documents.put(key, record.text());
        }
      }
    }
    return documents;
  }

  /** Removes documents of an entry; empty: all. Those that are not there are passed over. */
  public void removeAttachments(String entry, List<String> keys) {
    api.require(19, "An attachment");
    Map<RecordKey, Labels> updates = new LinkedHashMap<>();
    try (RecordStream records = query(List.of(entry + META), QueryOptions.all().metadata())) {
      while (records.hasNext()) {
        StoredRecord record = records.next();
        if (keys.isEmpty() || keys.contains(record.labels().get("key"))) {
          updates.put(
              new RecordKey(record.entry(), record.timestamp()), Labels.of("remove", "true"));
        }
      }
    }
    BatchErrors errors = updates.isEmpty() ? BatchErrors.NONE : updateMany(updates);
    if (!errors.isEmpty()) {
      throw errors.byRecord().values().iterator().next();
    }
  }

  // Links.

  /**
   * A link that opens one record for anybody until it ends. Needs API 1.17.
   *
   * <p>
   *
   * {@snippet class="ClientExamplesTest" region="link"}
   */
  public String createLink(LinkOptions options) {
    api.require(17, "A link");
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    body.put("bucket", name);
    body.put("entry", options.entry());
    body.put("record_entry", options.entry());
    body.put("record_timestamp", Json.unsigned(options.timestamp()));
    body.put("expire_at", options.expiresAt().getEpochSecond());
    body.put("query", options.query().body("QUERY", List.of(options.entry())));
    options.baseUrl().ifPresent(url -> body.put("base_url", url));
    String file = options.fileName();
    if (file.isEmpty()) {
      file = options.entry().replace('/', '_') + "_" + Timestamp.toString(options.timestamp());
    }
    return Json.text(
        api.object(api.request("POST", "links/" + Api.segment(file), body), Repeat.ALWAYS), "link");
  }
}
