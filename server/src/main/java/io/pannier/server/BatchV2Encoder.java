package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Record headers of batch protocol v2 in answers (http-api.md §14.5, §14.6). Records come in the
 * order of (time, entry name); a new entry index is opened whenever the entry changes, so that
 * clients which lay out bodies by (index, time) and clients which do it by (time, index) find the
 * same. "The record before" is remembered by name in some clients and by index in others; so the
 * first record of every index stands for itself: content type, all labels, and an empty value for
 * each label that the last record of that name had and this one has not.
 */
final class BatchV2Encoder {
  /** Longest value of one header field that every client's library takes. */
  static final int FIELD_MAX = 8000;

  private final StringBuilder entries = new StringBuilder();
  private final StringBuilder labels = new StringBuilder();
  private final List<String> names = new ArrayList<>();
  private final List<String> values = new ArrayList<>();
  private final Map<String, Integer> labelIndexes = new HashMap<>();
  private final Map<String, Labels> lastLabels = new HashMap<>();
  private final Map<String, Labels> lastComputed = new HashMap<>();
  private final StringBuilder value = new StringBuilder();
  private int entryCount;
  private long start;
  private @Nullable String currentEntry;
  private String currentType = "";
  private Labels currentLabels = Labels.EMPTY;
  private Labels currentComputed = Labels.EMPTY;
  private int bytes;

  /** Bytes that the record headers take so far, about. */
  int bytes() {
    return bytes + entries.length() + labels.length();
  }

  /** Adds a record. */
  void add(String entry, long timestamp, long length, String storedType, Labels recordLabels) {
    add(entry, timestamp, length, storedType, recordLabels, Labels.EMPTY);
  }

  /**
   * Adds a record that extensions made.
   *
   * @param computed labels without {@code @}; they are told with every record, and taken back where
   *     one lacks what the one before it had, for clients that know of no difference
   */
  void add(
      String entry,
      long timestamp,
      long length,
      String storedType,
      Labels recordLabels,
      Labels computed) {
    boolean isNewIndex = !entry.equals(currentEntry);
    if (names.isEmpty()) {
      start = timestamp;
    }
    String type = BatchV1.contentTypeForBatch(storedType);
    Labels before = currentLabels;
    if (isNewIndex) {
      if (currentEntry != null) {
        lastLabels.put(currentEntry, currentLabels);
        lastComputed.put(currentEntry, currentComputed);
      }
      currentComputed = lastComputed.getOrDefault(entry, Labels.EMPTY);
      before = lastLabels.getOrDefault(entry, Labels.EMPTY);
      entries.append(entryCount == 0 ? "" : ",").append(HeaderText.percentEncode(entry));
      entryCount++;
      currentEntry = entry;
    }
    value.setLength(0);
    value.append(length);
    boolean saysType = isNewIndex || !type.equals(currentType);
    int typeAt = value.length();
    appendDelta(before, recordLabels, isNewIndex);
    appendComputed(currentComputed, computed);
    currentComputed = computed;
    if (saysType || value.length() > typeAt) {
      value.insert(typeAt, saysType ? "," + type : ",");
    }
    currentType = type;
    currentLabels = recordLabels;
    names.add(BatchV2.PREFIX + (entryCount - 1) + "-" + Timestamp.toString(timestamp - start));
    values.add(value.toString());
    bytes += names.getLast().length() + value.length() + 4;
  }

  /**
   * Appends what distinguishes the labels from those before, by name; with {@code all} also what is
   * equal.
   */
  private void appendDelta(Labels before, Labels now, boolean all) {
    int b = 0;
    int n = 0;
    while (b < before.size() || n < now.size()) {
      int order =
          b == before.size() ? 1 : n == now.size() ? -1 : before.name(b).compareTo(now.name(n));
      if (order < 0) {
        // An empty value cannot be told from an absent label, so it does not vanish either.
        if (!before.value(b).isEmpty()) {
          appendItem(before.name(b), "");
        }
        b++;
      } else {
        if (order > 0 ? !now.value(n).isEmpty() : all || !now.value(n).equals(before.value(b))) {
          appendItem(now.name(n), now.value(n));
        }
        b += order == 0 ? 1 : 0;
        n++;
      }
    }
  }

  private void appendComputed(Labels before, Labels now) {
    for (int i = 0; i < now.size(); i++) {
      appendItem("@" + now.name(i), now.value(i));
    }
    for (int i = 0; i < before.size(); i++) {
      if (now.get(before.name(i)) == null) {
        appendItem("@" + before.name(i), "");
      }
    }
  }

  private void appendItem(String label, String text) {
    Integer index = labelIndexes.get(label);
    if (index == null) {
      index = labelIndexes.size();
      labels.append(index == 0 ? "" : ",").append(HeaderText.percentEncode(label));
      labelIndexes.put(label, index);
    }
    LabelItems.append(value, index.toString(), text);
  }

  /**
   * Whether the lists stay short enough for every client's library with one more record. The first
   * one always fits.
   */
  boolean fits(String entry, Labels recordLabels) {
    if (names.isEmpty()) {
      return true;
    }
    if (!entry.equals(currentEntry) && entries.length() + encodedMax(entry) > FIELD_MAX) {
      return false;
    }
    int more = 0;
    for (int i = 0; i < recordLabels.size(); i++) {
      if (!labelIndexes.containsKey(recordLabels.name(i))) {
        more += encodedMax(recordLabels.name(i));
      }
    }
    return more == 0 || labels.length() + more <= FIELD_MAX;
  }

  private static int encodedMax(String name) {
    return HeaderText.percentEncode(name).length() + 1;
  }

  /** Hands out the headers in the order in which they belong on the wire. */
  void emit(BiConsumer<String, String> out) {
    out.accept(BatchV2.ENTRIES, entries.toString());
    out.accept(BatchV2.START, Timestamp.toString(start));
    if (!labelIndexes.isEmpty()) {
      out.accept(BatchV2.LABELS, labels.toString());
    }
    for (int i = 0; i < names.size(); i++) {
      out.accept(names.get(i), values.get(i));
    }
  }
}
