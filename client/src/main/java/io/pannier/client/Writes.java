package io.pannier.client;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * Writing, changing and removing records, alone and many at once. A write whose answer was lost is
 * sent again; when the store then says that there is such a record, it is compared with the one
 * that was sent.
 */
final class Writes {
  /** Records of one request: every store takes so many header fields. */
  private static final int RECORDS_MAX = 80;

  /** Bytes of bodies of one request. */
  private static final long BYTES_MAX = 8_000_000;

  /** Bytes of record headers of one request; well below what stores take. */
  private static final int HEADERS_MAX = 200_000;

  private static final String ERROR = "x-reduct-error-";

  private final Api api;
  private final String bucket;

  Writes(Api api, String bucket) {
    this.api = api;
    this.bucket = bucket;
  }

  private String io(String word) {
    return "io/" + Api.segment(bucket) + "/" + word;
  }

  // One record.

  void write(String entry, Outgoing record) {
    if (!LabelText.fitsHeaders(record.labels()) && LabelText.fitsBatch(record.labels())) {
      // Headers would turn names into lower case.
      List<Keyed<Outgoing>> one = new ArrayList<>();
      one.add(new Keyed<>(entry, record.timestamp(), record));
      rethrow(writeFirst(one));
      return;
    }
    HttpRequest request =
        api.request(
            "POST", Api.entryPath(bucket, entry) + "?ts=" + Timestamp.toString(record.timestamp()));
    request.header("content-type", record.contentType());
    addLabels(request, record.labels());
    request.body(record.body(), Coding.NONE);
    Transport.Whole answer = api.transport().askAny(request, Repeat.IF_CHECKED);
    if (!answer.head().isSuccess()) {
      ClientException.Refused refused = answer.head().refusal();
      if (!(refused.code() == 409 && answer.isUncertain() && isThere(entry, record))) {
        throw refused;
      }
    }
  }

  private static void rethrow(BatchErrors errors) {
    for (ClientException.Refused refused : errors.byRecord().values()) {
      throw refused;
    }
  }

  void update(String entry, long timestamp, Labels labels) {
    if (!LabelText.fitsHeaders(labels) && LabelText.fitsBatch(labels)) {
      rethrow(updateFirst(entry, List.of(new LabelUpdate(timestamp, labels))));
      return;
    }
    HttpRequest request =
        api.request("PATCH", Api.entryPath(bucket, entry) + "?ts=" + Timestamp.toString(timestamp));
    addLabels(request, labels);
    api.transport().ask(request, Repeat.ALWAYS);
  }

  void remove(String entry, long timestamp) {
    HttpRequest request =
        api.request(
            "DELETE", Api.entryPath(bucket, entry) + "?ts=" + Timestamp.toString(timestamp));
    Transport.Whole answer = api.transport().askAny(request, Repeat.ALWAYS);
    // After a lost answer the record may be gone already.
    if (!answer.head().isSuccess() && !(answer.head().status() == 404 && answer.isUncertain())) {
      throw answer.head().refusal();
    }
  }

  private static void addLabels(HttpRequest request, Labels labels) {
    if (!LabelText.fitsHeaders(labels)) {
      throw new IllegalArgumentException(
          "labels cannot be told in headers: names must be in lower case, without any of :,=\" and"
              + " blanks, and nothing may hold a line end: "
              + labels);
    }
    for (int i = 0; i < labels.size(); i++) {
      request.header(Api.LABEL + labels.name(i), labels.value(i));
    }
  }

  /** Whether the record that is there is the one that was sent. */
  boolean isThere(String entry, Outgoing record) {
    HttpAnswer head =
        api.transport()
            .askAny(api.record("HEAD", bucket, entry, record.timestamp()), Repeat.ALWAYS)
            .head();
    if (!head.isSuccess()) {
      return false;
    }
    RecordInfo found = Api.recordInfo(entry, head);
    if (found.length() != record.body().length()
        || !found.labels().equals(lowerCase(record.labels()))) {
      return false;
    }
    Optional<Integer> checksum = found.checksum();
    return checksum.isEmpty() || checksum.get() == crc(record.body());
  }

  private static Labels lowerCase(Labels labels) {
    var lower = new Labels.Builder();
    for (int i = 0; i < labels.size(); i++) {
      lower.set(labels.name(i).toLowerCase(java.util.Locale.ROOT), labels.value(i));
    }
    return lower.build();
  }

  private static int crc(Body body) {
    var crc = new CRC32C();
    try {
      body.writeTo(
          new OutputStream() {
            @Override
            public void write(int b) {
              crc.update(b);
            }

            @Override
            public void write(byte[] bytes, int from, int length) {
              crc.update(bytes, from, length);
            }
          });
    } catch (IOException impossible) {
      throw new java.io.UncheckedIOException(impossible);
    }
    return (int) crc.getValue();
  }

  // Many records.

  /** Writes records of one entry with protocol 1. */
  BatchErrors writeOf(String entry, List<Outgoing> records) {
    List<Keyed<Outgoing>> keyed = new ArrayList<>(records.size());
    for (Outgoing record : records) {
      keyed.add(new Keyed<>(entry, record.timestamp(), record));
    }
    return writeAll(keyed, false);
  }

  /** Writes records of any entries, with protocol 2 where the store has it. */
  BatchErrors writeMany(List<Keyed<Outgoing>> records) {
    return writeAll(records, api.minor() >= 18);
  }

  private BatchErrors writeAll(List<Keyed<Outgoing>> records, boolean second) {
    BatchErrors errors = BatchErrors.NONE;
    Map<String, List<Keyed<Outgoing>>> byEntry = new LinkedHashMap<>();
    for (Keyed<Outgoing> record : records) {
      if (fits(record.value().labels(), second)) {
        byEntry.computeIfAbsent(second ? "" : record.entry(), e -> new ArrayList<>()).add(record);
      } else {
        errors = errors.and(alone(record, () -> write(record.entry(), record.value())));
      }
    }
    for (List<Keyed<Outgoing>> group : byEntry.values()) {
      for (List<Keyed<Outgoing>> part : parts(group)) {
        errors = errors.and(second ? writeSecond(part) : writeFirst(part));
      }
    }
    return errors;
  }

  private static boolean fits(Labels labels, boolean second) {
    if (!LabelText.fitsBatch(labels)) {
      return false;
    }
    for (int i = 0; second && i < labels.size(); i++) {
      // Protocol 2 takes an empty value for a label that is gone.
      if (labels.value(i).isEmpty()) {
        return false;
      }
    }
    return true;
  }

  private static BatchErrors alone(Keyed<?> record, Runnable call) {
    try {
      call.run();
      return BatchErrors.NONE;
    } catch (ClientException.Refused refused) {
      return new BatchErrors(Map.of(record.key(), refused));
    } catch (IllegalArgumentException unspeakable) {
      return new BatchErrors(
          Map.of(
              record.key(),
              new ClientException.Refused(422, String.valueOf(unspeakable.getMessage()), 0)));
    }
  }

  /** Pieces that fit into one request; a record twice in one would be refused. */
  private static List<List<Keyed<Outgoing>>> parts(List<Keyed<Outgoing>> records) {
    List<List<Keyed<Outgoing>>> parts = new ArrayList<>();
    List<Keyed<Outgoing>> part = new ArrayList<>();
    Set<RecordKey> keys = new HashSet<>();
    long bytes = 0;
    long headers = 0;
    for (Keyed<Outgoing> record : records) {
      long length = record.value().body().length();
      long header = record.value().labels().utf8Bytes() + record.entry().length() + 64;
      if (!part.isEmpty()
          && (part.size() >= RECORDS_MAX
              || bytes + length > BYTES_MAX
              || headers + header > HEADERS_MAX
              || keys.contains(record.key()))) {
        parts.add(part);
        part = new ArrayList<>();
        keys.clear();
        bytes = 0;
        headers = 0;
      }
      part.add(record);
      keys.add(record.key());
      bytes += length;
      headers += header;
    }
    if (!part.isEmpty()) {
      parts.add(part);
    }
    return parts;
  }

  private BatchErrors writeFirst(List<Keyed<Outgoing>> part) {
    part.sort((a, b) -> Timestamp.compare(a.timestamp(), b.timestamp()));
    HttpRequest request =
        api.request("POST", Api.entryPath(bucket, part.getFirst().entry()) + "/batch");
    for (Keyed<Outgoing> record : part) {
      var value = new StringBuilder(64);
      value.append(record.value().body().length()).append(',');
      value.append(RemoteStore.withoutComma(record.value().contentType()));
      LabelText.append(value, record.value().labels());
      request.header("x-reduct-time-" + Timestamp.toString(record.timestamp()), value.toString());
    }
    request.body(new Joined(part), Coding.NONE);
    Transport.Whole answer = api.transport().ask(request, Repeat.IF_CHECKED);
    return checked(errorsOfEntry(part.getFirst().entry(), answer.head()), answer, part);
  }

  private BatchErrors writeSecond(List<Keyed<Outgoing>> part) {
    Head head = Head.of(part);
    HttpRequest request = api.request("POST", io("write"));
    head.describe(request);
    Map<String, Labels> before = new HashMap<>();
    List<Keyed<Outgoing>> ordered = new ArrayList<>(part.size());
    for (List<? extends Keyed<Outgoing>> ofEntry : head.byEntry(part)) {
      for (Keyed<Outgoing> record : ofEntry) {
        Outgoing value = record.value();
        var text = new StringBuilder(64);
        text.append(value.body().length()).append(',');
        text.append(RemoteStore.withoutComma(value.contentType()));
        LabelText.append(text, value.labels());
        Labels previous = before.getOrDefault(record.entry(), Labels.EMPTY);
        for (int i = 0; i < previous.size(); i++) {
          if (value.labels().get(previous.name(i)) == null) {
            text.append(',').append(previous.name(i)).append('=');
          }
        }
        before.put(record.entry(), value.labels());
        request.header(head.name(record), text.toString());
        ordered.add(record);
      }
    }
    request.body(new Joined(ordered), Coding.NONE);
    Transport.Whole answer = api.transport().ask(request, Repeat.IF_CHECKED);
    return checked(errorsOfMany(answer.head()), answer, part);
  }

  /** Takes back conflicts of records with themselves. */
  private BatchErrors checked(
      BatchErrors errors, Transport.Whole answer, List<Keyed<Outgoing>> part) {
    if (!answer.isUncertain() || errors.isEmpty()) {
      return errors;
    }
    Map<RecordKey, ClientException.Refused> left = new HashMap<>(errors.byRecord());
    for (Keyed<Outgoing> record : part) {
      ClientException.Refused refused = left.get(record.key());
      if (refused != null && refused.code() == 409 && isThere(record.entry(), record.value())) {
        left.remove(record.key());
      }
    }
    return new BatchErrors(left);
  }

  BatchErrors updateOf(String entry, List<LabelUpdate> updates) {
    BatchErrors errors = BatchErrors.NONE;
    List<LabelUpdate> part = new ArrayList<>();
    for (LabelUpdate update : updates) {
      if (LabelText.fitsBatch(update.labels())) {
        part.add(update);
      } else {
        var keyed = new Keyed<>(entry, update.timestamp(), update);
        errors = errors.and(alone(keyed, () -> update(entry, update.timestamp(), update.labels())));
      }
      if (part.size() == RECORDS_MAX) {
        errors = errors.and(updateFirst(entry, part));
        part.clear();
      }
    }
    return part.isEmpty() ? errors : errors.and(updateFirst(entry, part));
  }

  private BatchErrors updateFirst(String entry, List<LabelUpdate> part) {
    HttpRequest request = api.request("PATCH", Api.entryPath(bucket, entry) + "/batch");
    for (LabelUpdate update : part) {
      var value = new StringBuilder("0,");
      LabelText.append(value, update.labels());
      request.header("x-reduct-time-" + Timestamp.toString(update.timestamp()), value.toString());
    }
    return errorsOfEntry(entry, api.transport().ask(request, Repeat.ALWAYS).head());
  }

  /** Changes labels of records of any entries with protocol 2. */
  BatchErrors updateMany(List<Keyed<Labels>> updates) {
    BatchErrors errors = BatchErrors.NONE;
    for (List<Keyed<Labels>> part : onePerEntry(updates)) {
      Head head = Head.of(part);
      HttpRequest request = api.request("PATCH", io("update"));
      head.describe(request);
      for (Keyed<Labels> update : part) {
        var value = new StringBuilder("0,");
        LabelText.append(value, update.value());
        request.header(head.name(update), value.toString());
      }
      errors = errors.and(errorsOfMany(api.transport().ask(request, Repeat.ALWAYS).head()));
    }
    return errors;
  }

  /**
   * Stores differ in what a second update of an entry takes over from the first: each goes alone.
   */
  private static <T> List<List<Keyed<T>>> onePerEntry(List<Keyed<T>> items) {
    List<List<Keyed<T>>> parts = new ArrayList<>();
    Map<String, Integer> seen = new HashMap<>();
    for (Keyed<T> item : items) {
      int part = seen.merge(item.entry(), 1, Integer::sum) - 1;
      while (parts.size() <= part) {
        parts.add(new ArrayList<>());
      }
      parts.get(part).add(item);
    }
    List<List<Keyed<T>>> small = new ArrayList<>();
    for (List<Keyed<T>> part : parts) {
      for (int i = 0; i < part.size(); i += RECORDS_MAX) {
        small.add(part.subList(i, Math.min(part.size(), i + RECORDS_MAX)));
      }
    }
    return small;
  }

  BatchErrors removeOf(String entry, List<Long> timestamps) {
    BatchErrors errors = BatchErrors.NONE;
    for (int i = 0; i < timestamps.size(); i += RECORDS_MAX) {
      HttpRequest request = api.request("DELETE", Api.entryPath(bucket, entry) + "/batch");
      for (long timestamp : timestamps.subList(i, Math.min(timestamps.size(), i + RECORDS_MAX))) {
        request.header("x-reduct-time-" + Timestamp.toString(timestamp), "0,");
      }
      Transport.Whole answer = api.transport().ask(request, Repeat.ALWAYS);
      errors = errors.and(withoutGone(errorsOfEntry(entry, answer.head()), answer));
    }
    return errors;
  }

  BatchErrors removeMany(List<RecordKey> records) {
    BatchErrors errors = BatchErrors.NONE;
    for (int i = 0; i < records.size(); i += RECORDS_MAX) {
      List<Keyed<Labels>> part = new ArrayList<>();
      for (RecordKey key : records.subList(i, Math.min(records.size(), i + RECORDS_MAX))) {
        part.add(new Keyed<>(key.entry(), key.timestamp(), Labels.EMPTY));
      }
      Head head = Head.of(part);
      HttpRequest request = api.request("DELETE", io("remove"));
      head.describe(request);
      part.forEach(record -> request.header(head.name(record), "0,"));
      Transport.Whole answer = api.transport().ask(request, Repeat.ALWAYS);
      errors = errors.and(withoutGone(errorsOfMany(answer.head()), answer));
    }
    return errors;
  }

  /** After a lost answer, records may be gone already. */
  private static BatchErrors withoutGone(BatchErrors errors, Transport.Whole answer) {
    if (!answer.isUncertain() || errors.isEmpty()) {
      return errors;
    }
    Map<RecordKey, ClientException.Refused> left = new HashMap<>(errors.byRecord());
    left.values().removeIf(refused -> refused.code() == 404);
    return new BatchErrors(left);
  }

  private static BatchErrors errorsOfEntry(String entry, HttpAnswer head) {
    Map<RecordKey, ClientException.Refused> errors = new HashMap<>();
    head.headers()
        .forEach((name, values) -> {
          if (name.startsWith(ERROR)) {
            errors.put(
                new RecordKey(entry, Timestamp.parse(name.substring(ERROR.length()))),
                refused(values.getFirst()));
          }
        });
    return new BatchErrors(errors);
  }

  private static BatchErrors errorsOfMany(HttpAnswer head) {
    List<String> entries = ReplyBatch.list(head.header("x-reduct-entries"));
    String first = head.header("x-reduct-start-ts");
    long base = first == null ? 0 : Timestamp.parse(first.strip());
    Map<RecordKey, ClientException.Refused> errors = new HashMap<>();
    head.headers()
        .forEach((name, values) -> {
          int dash = name.lastIndexOf('-');
          if (name.startsWith(ERROR) && dash > ERROR.length()) {
            int index = Integer.parseInt(name.substring(ERROR.length(), dash));
            if (index >= entries.size()) {
              throw new ClientException.Broken("malformed error of a record: " + name, null);
            }
            long timestamp = base + Timestamp.parse(name.substring(dash + 1));
            errors.put(new RecordKey(entries.get(index), timestamp), refused(values.getFirst()));
          }
        });
    return new BatchErrors(errors);
  }

  private static ClientException.Refused refused(String text) {
    int comma = text.indexOf(',');
    try {
      return new ClientException.Refused(
          Integer.parseInt((comma < 0 ? text : text.substring(0, comma)).strip()),
          comma < 0 ? "" : text.substring(comma + 1).strip(),
          0);
    } catch (NumberFormatException malformed) {
      throw new ClientException.Broken("malformed error of a record: " + text, malformed);
    }
  }

  /** The headers of protocol 2 that hold for all records of a request. */
  private record Head(List<String> entries, Map<String, Integer> indexes, long base) {
    static Head of(List<? extends Keyed<?>> records) {
      Map<String, Integer> indexes = new LinkedHashMap<>();
      long base = records.getFirst().timestamp();
      for (Keyed<?> record : records) {
        indexes.putIfAbsent(record.entry(), indexes.size());
        base = Timestamp.min(base, record.timestamp());
      }
      return new Head(List.copyOf(indexes.keySet()), indexes, base);
    }

    void describe(HttpRequest request) {
      request.header(
          "x-reduct-entries", String.join(",", entries.stream().map(Api::listItem).toList()));
      request.header("x-reduct-start-ts", Timestamp.toString(base));
    }

    String name(Keyed<?> record) {
      return "x-reduct-"
          + indexes.get(record.entry())
          + "-"
          + Timestamp.toString(record.timestamp() - base);
    }

    /** In the order of bodies: by entry, then time. */
    <T> List<List<Keyed<T>>> byEntry(List<Keyed<T>> records) {
      List<List<Keyed<T>>> groups = new ArrayList<>();
      entries.forEach(entry -> groups.add(new ArrayList<>()));
      for (Keyed<T> record : records) {
        groups.get(java.util.Objects.requireNonNull(indexes.get(record.entry()))).add(record);
      }
      groups.forEach(
          group -> group.sort((a, b) -> Timestamp.compare(a.timestamp(), b.timestamp())));
      return groups;
    }
  }

  /** Bodies of records, one after the other. */
  private record Joined(List<Keyed<Outgoing>> records) implements Body {
    @Override
    public long length() {
      return records.stream().mapToLong(record -> record.value().body().length()).sum();
    }

    @Override
    public boolean isRepeatable() {
      return records.stream().allMatch(record -> record.value().body().isRepeatable());
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      for (Keyed<Outgoing> record : records) {
        record.value().body().writeTo(out);
      }
    }
  }
}
