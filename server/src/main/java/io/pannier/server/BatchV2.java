package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Record headers of batch protocol v2 in requests (http-api.md §14.1–14.4): entries and labels are
 * listed once, {@code x-reduct-<entry>-<delta>} names a record by index and distance from a start
 * time, and a record says only what differs from the record before it in its entry.
 */
final class BatchV2 {
  static final String ENTRIES = "x-reduct-entries";
  static final String START = "x-reduct-start-ts";
  static final String LABELS = "x-reduct-labels";
  static final String PREFIX = "x-reduct-";

  private final BatchRequest.Purpose purpose;
  private @Nullable String entriesField;
  private @Nullable String startField;
  private @Nullable String labelsField;
  private final List<Raw> raws = new ArrayList<>();

  /** A record header as it came, its numbers parsed. */
  private record Raw(String name, int entry, long delta, String value) {}

  BatchV2(BatchRequest.Purpose purpose) {
    this.purpose = purpose;
  }

  /**
   * Takes one header of the request.
   *
   * @param name in lower case
   */
  void header(String name, String value) {
    if (!name.startsWith(PREFIX)) {
      return;
    }
    switch (name) {
      case ENTRIES -> entriesField = value;
      case START -> startField = value;
      case LABELS -> labelsField = value;
      default -> {
        int dash = name.lastIndexOf('-');
        if (HeaderText.isDigits(name, dash + 1) && !name.startsWith(BatchV1.ERROR)) {
          raws.add(raw(name, dash, value));
        }
      }
    }
  }

  private static Raw raw(String name, int dash, String value) {
    if (dash < PREFIX.length()) {
      throw new PannierException.Invalid(
          "Invalid header '" + name + "': entry index must be a number");
    }
    long delta;
    try {
      delta = Timestamp.parse(name.substring(dash + 1));
    } catch (NumberFormatException e) {
      throw notATime(name);
    }
    String index = name.substring(PREFIX.length(), dash);
    if (!HeaderText.isDigits(index, 0)) {
      throw new PannierException.Invalid(
          "Invalid header '" + name + "': entry index must be a number");
    }
    try {
      return new Raw(name, Integer.parseInt(index), delta, value);
    } catch (NumberFormatException e) {
      throw outOfRange(name);
    }
  }

  private static PannierException.Invalid notATime(String name) {
    return new PannierException.Invalid(
        "Invalid header '" + name + "': must be an unix timestamp in microseconds");
  }

  private static PannierException.Invalid outOfRange(String name) {
    return new PannierException.Invalid("Invalid header '" + name + "': entry index out of range");
  }

  /** The request, when all headers were taken. */
  BatchRequest request() {
    List<String> entries = entries();
    long start = start();
    List<String> labels = labelsField == null ? null : labels(labelsField);
    for (Raw raw : raws) {
      if (raw.entry >= entries.size()) {
        throw outOfRange(raw.name);
      }
      // The sum must not run over the end of time.
      if (Timestamp.isBefore(start + raw.delta, start)) {
        throw notATime(raw.name);
      }
    }
    raws.sort(Comparator.comparingInt(Raw::entry).thenComparing(Raw::delta, Timestamp::compare));
    var items = new ArrayList<BatchItem>(raws.size());
    Map<String, BatchItem> previous = entries.size() == 1 ? new HashMap<>(2) : new HashMap<>();
    for (Raw raw : raws) {
      long timestamp = start + raw.delta;
      BatchItem item;
      if (purpose == BatchRequest.Purpose.REMOVE) {
        item = new BatchItem(raw.entry, timestamp, 0, "", Labels.EMPTY);
      } else {
        String entry = entries.get(raw.entry);
        item = parse(raw, timestamp, labels, previous.get(entry));
        previous.put(entry, item);
      }
      items.add(item);
    }
    return new BatchRequest(entries, start, items);
  }

  private List<String> entries() {
    String field = entriesField;
    if (field == null || field.isBlank()) {
      if (raws.isEmpty()) {
        return List.of();
      }
      throw new PannierException.Invalid("x-reduct-entries header is required");
    }
    return list(
        field, "x-reduct-entries header must not contain empty entry names", BatchV2::decodedEntry);
  }

  private long start() {
    if (startField == null) {
      throw new PannierException.Invalid("x-reduct-start-ts header is required");
    }
    try {
      return Timestamp.parse(startField.strip());
    } catch (NumberFormatException e) {
      throw new PannierException.Invalid("Invalid x-reduct-start-ts header");
    }
  }

  private static List<String> labels(String text) {
    if (text.isBlank()) {
      throw new PannierException.Invalid("x-reduct-labels header is empty");
    }
    return list(
        text,
        "x-reduct-labels header must not contain empty label names",
        HeaderText::percentDecode);
  }

  private static String decodedEntry(String item) {
    for (int at = item.indexOf('%'); at >= 0; at = item.indexOf('%', at + 1)) {
      if (!HeaderText.isPercentCode(item, at)) {
        throw new PannierException.Invalid("Invalid entry encoding in header name: '" + item + "'");
      }
    }
    String name = HeaderText.percentDecode(item);
    if (name.indexOf('\ufffd') >= 0) {
      throw new PannierException.Invalid("Entry name is not valid UTF-8 in header '" + item + "'");
    }
    return name;
  }

  /** Splits a comma list, trims and decodes its items. */
  private static List<String> list(String text, String emptyItem, UnaryOperator<String> decode) {
    var items = new ArrayList<String>();
    int from = 0;
    while (from <= text.length()) {
      int comma = text.indexOf(',', from);
      int end = comma < 0 ? text.length() : comma;
      String item = HeaderText.trim(text, from, end);
      if (item.isEmpty()) {
        throw new PannierException.Invalid(emptyItem);
      }
      items.add(decode.apply(item));
      from = end + 1;
    }
    return items;
  }

  private BatchItem parse(
      Raw raw, long timestamp, @Nullable List<String> names, @Nullable BatchItem previous) {
    String value = raw.value;
    int comma = value.indexOf(',');
    long length = length(value, comma < 0 ? value.length() : comma);
    if (comma < 0) {
      if (previous != null) {
        return new BatchItem(
            raw.entry, timestamp, length, previous.contentType(), previous.labels());
      }
      throw new PannierException.Invalid(
          "Content-type and labels must be provided for the first record of an entry");
    }
    int end = value.indexOf(',', comma + 1);
    String contentType = HeaderText.trim(value, comma + 1, end < 0 ? value.length() : end);
    if (contentType.isEmpty() && previous != null) {
      contentType = previous.contentType();
    }
    Labels labels;
    if (end < 0) {
      labels = previous == null ? Labels.EMPTY : previous.labels();
    } else {
      Labels delta = delta(value, end + 1, names);
      Labels before = previous == null ? Labels.EMPTY : previous.labels();
      // Both say what differs from the record before. In a write an empty value ends a label; in an
      // update it removes one from the record, and so do the records behind until they say
      // otherwise.
      labels = purpose == BatchRequest.Purpose.WRITE ? before.updated(delta) : before.with(delta);
    }
    return new BatchItem(raw.entry, timestamp, length, contentType, labels);
  }

  private static Labels delta(String value, int from, @Nullable List<String> names) {
    var delta = new Labels.Builder();
    var items = new LabelItems(value, from);
    while (items.next()) {
      String name = items.name();
      if (names != null && HeaderText.isDigits(name, 0)) {
        int index = index(name);
        if (index >= names.size()) {
          throw new PannierException.Invalid("Label index '" + name + "' is out of range");
        }
        name = names.get(index);
      }
      if (name.charAt(0) == '@') {
        throw new PannierException.Invalid(
            "Label names must not start with '@': reserved for computed labels");
      }
      delta.set(name, items.value());
    }
    return delta.build();
  }

  private static int index(String digits) {
    try {
      return Integer.parseInt(digits);
    } catch (NumberFormatException e) {
      return Integer.MAX_VALUE;
    }
  }

  private static long length(String value, int end) {
    try {
      long length = Timestamp.parse(HeaderText.trim(value, 0, end));
      if (length >= 0) {
        return length;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw LabelItems.malformed();
  }

  /** The list of entries as it goes back to the client. */
  static String encodeList(List<String> names) {
    var out = new StringBuilder();
    for (int i = 0; i < names.size(); i++) {
      if (i > 0) {
        out.append(',');
      }
      out.append(HeaderText.percentEncode(names.get(i)));
    }
    return out.toString();
  }

  /** Name of the header that tells the error of a record. */
  static String errorHeader(int entry, long delta) {
    return BatchV1.ERROR + entry + "-" + Timestamp.toString(delta);
  }
}
