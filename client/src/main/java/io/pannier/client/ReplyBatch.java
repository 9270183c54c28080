package io.pannier.client;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records that headers of a batch announce, in the order of their bodies (http-api.md
 * §10, §14).
 */
final class ReplyBatch {
  private static final String TIME = "x-reduct-time-";
  private static final String RECORD = "x-reduct-";

  private ReplyBatch() {}

  /** A record header of protocol 1 or 2. */
  private record Item(int entry, long timestamp, String value) {}

  /** Of one entry: bodies lie in the order of times. */
  static List<RecordInfo> ofEntry(String entry, HttpAnswer head) {
    List<Item> items = new ArrayList<>();
    head.headers()
        .forEach((name, values) -> {
          if (name.startsWith(TIME)) {
            items.add(
                new Item(0, Timestamp.parse(name.substring(TIME.length())), values.getFirst()));
          }
        });
    items.sort((a, b) -> Timestamp.compare(a.timestamp(), b.timestamp()));
    List<RecordInfo> records = new ArrayList<>(items.size());
    for (Item item : items) {
      records.add(read(entry, item.timestamp(), item.value(), List.of(), null, false));
    }
    return records;
  }

  /** Of several entries: bodies lie in the order of entries, then times. */
  static List<RecordInfo> ofMany(HttpAnswer head) {
    List<String> entries = list(head.header("x-reduct-entries"));
    List<String> names = list(head.header("x-reduct-labels"));
    String first = head.header("x-reduct-start-ts");
    long base = first == null ? 0 : Timestamp.parse(first.strip());
    List<Item> items = new ArrayList<>();
    head.headers()
        .forEach((name, values) -> {
          int dash = name.lastIndexOf('-');
          int entryAt = RECORD.length();
          if (name.startsWith(RECORD)
              && dash > entryAt
              && isDigits(name, entryAt, dash)
              && isDigits(name, dash + 1, name.length())) {
            items.add(
                new Item(
                    Integer.parseInt(name.substring(entryAt, dash)),
                    base + Timestamp.parse(name.substring(dash + 1)),
                    values.getFirst()));
          }
        });
    items.sort(
        Comparator.comparingInt(Item::entry)
            .thenComparing((a, b) -> Timestamp.compare(a.timestamp(), b.timestamp())));
    Map<Integer, RecordInfo> previous = new HashMap<>();
    List<RecordInfo> records = new ArrayList<>(items.size());
    for (Item item : items) {
      if (item.entry() >= entries.size()) {
        throw new ClientException.Broken("malformed batch: entry " + item.entry(), null);
      }
      RecordInfo record =
          read(
              entries.get(item.entry()),
              item.timestamp(),
              item.value(),
              names,
              previous.get(item.entry()),
              true);
      previous.put(item.entry(), record);
      records.add(record);
    }
    return records;
  }

  private static boolean isDigits(String text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return from < to;
  }

  static List<String> list(@Nullable String header) {
    List<String> items = new ArrayList<>();
    if (header != null && !header.isBlank()) {
      for (String item : header.split(",", -1)) {
        items.add(decoded(item.strip()));
      }
    }
    return items;
  }

  /** Percent escapes, as UTF-8. */
  static String decoded(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    var bytes = new java.io.ByteArrayOutputStream();
    byte[] raw = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < raw.length; i++) {
      int high = raw[i] == '%' && i + 2 < raw.length ? Character.digit(raw[i + 1], 16) : -1;
      int low = high < 0 ? -1 : Character.digit(raw[i + 2], 16);
      if (low >= 0) {
        bytes.write(high * 16 + low);
        i += 2;
      } else {
        bytes.write(raw[i]);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /**
   * One record.
   *
   * @param names of labels that are told by their place; empty in protocol 1
   * @param previous of the same entry, for what is not said again; null in protocol 1
   * @param isDelta whether an empty value takes a label away, as in protocol 2; else it is a value
   */
  private static RecordInfo read(
      String entry,
      long timestamp,
      String value,
      List<String> names,
      @Nullable RecordInfo previous,
      boolean isDelta) {
    List<String> parts = parts(value);
    long length;
    try {
      length = Long.parseLong(parts.getFirst().strip());
    } catch (NumberFormatException malformed) {
      throw new ClientException.Broken("malformed batch: " + value, malformed);
    }
    String type = parts.size() > 1 ? parts.get(1).strip() : "";
    if (type.isEmpty()) {
      type = previous == null ? "application/octet-stream" : previous.contentType();
    }
    var labels = new Labels.Builder();
    var computed = new Labels.Builder();
    if (previous != null) {
      copy(previous.labels(), labels);
      copy(previous.computed(), computed);
    }
    for (int i = 2; i < parts.size(); i++) {
      String part = parts.get(i).strip();
      int equals = part.indexOf('=');
      if (equals < 1) {
        continue;
      }
      String name = part.substring(0, equals);
      String text = part.substring(equals + 1);
      if (text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")) {
        text = text.substring(1, text.length() - 1);
      }
      if (!names.isEmpty() && isDigits(name, 0, name.length())) {
        int index = Integer.parseInt(name);
        if (index >= names.size()) {
          throw new ClientException.Broken("malformed batch: label " + name, null);
        }
        name = names.get(index);
      }
      boolean isComputed = name.startsWith("@");
      Labels.Builder target = isComputed ? computed : labels;
      String stored = isComputed ? name.substring(1) : name;
      if (text.isEmpty() && isDelta) {
        target.remove(stored);
      } else {
        target.set(stored, text);
      }
    }
    return new RecordInfo(
        entry, timestamp, length, type, labels.build(), computed.build(), Optional.empty());
  }

  private static void copy(Labels from, Labels.Builder to) {
    for (int i = 0; i < from.size(); i++) {
      to.set(from.name(i), from.value(i));
    }
  }

  /** At commas that stand outside of quotes. */
  private static List<String> parts(String value) {
    List<String> parts = new ArrayList<>();
    int from = 0;
    boolean quoted = false;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' && (quoted || (i > 0 && value.charAt(i - 1) == '='))) {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        parts.add(value.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(value.substring(from));
    return parts;
  }
}
