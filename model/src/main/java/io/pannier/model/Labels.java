package io.pannier.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The labels of one record: names with values, both strings, sorted by name, each name once.
 * Immutable.
 */
public final class Labels {
  /** No label at all. */
  public static final Labels EMPTY = new Labels(new String[0]);

  /** Name, value, name, value, …; sorted by name. */
  private final String[] pairs;

  private Labels(String[] pairs) {
    this.pairs = pairs;
  }

  /** Labels of a map; names must not be empty. */
  public static Labels of(Map<String, String> map) {
    if (map.isEmpty()) {
      return EMPTY;
    }
    var pairs = new String[map.size() * 2];
    int i = 0;
    for (var label : new TreeMap<>(map).entrySet()) {
      pairs[i++] = requireName(label.getKey());
      pairs[i++] = label.getValue();
    }
    return new Labels(pairs);
  }

  /**
   * Labels of names and values in turn, in any order of names; of a repeated name the last value
   * counts.
   */
  public static Labels of(String... namesAndValues) {
    if (namesAndValues.length == 0) {
      return EMPTY;
    }
    if (namesAndValues.length == 2) {
      requireName(namesAndValues[0]);
      return new Labels(namesAndValues.clone());
    }
    var builder = new Builder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      builder.set(namesAndValues[i], namesAndValues[i + 1]);
    }
    return builder.build();
  }

  /**
   * Labels of names and values in turn, where the names ascend, as those of an index do. Takes the
   * array over.
   */
  public static Labels ofSorted(String[] namesAndValues) {
    for (int i = 2; i < namesAndValues.length; i += 2) {
      assert namesAndValues[i - 2].compareTo(namesAndValues[i]) < 0;
    }
    return namesAndValues.length == 0 ? EMPTY : new Labels(namesAndValues);
  }

  /** Number of labels. */
  public int size() {
    return pairs.length / 2;
  }

  /** Whether there is no label. */
  public boolean isEmpty() {
    return pairs.length == 0;
  }

  /** Name of the {@code i}-th label in name order. */
  public String name(int i) {
    return pairs[2 * i];
  }

  /** Value of the {@code i}-th label in name order. */
  public String value(int i) {
    return pairs[2 * i + 1];
  }

  /** The value of a label, or null when the record lacks it. */
  public @Nullable String get(String name) {
    for (int i = 0; i < pairs.length; i += 2) {
      if (pairs[i].equals(name)) {
        return pairs[i + 1];
      }
    }
    return null;
  }

  /** These labels without those whose names are not among the given ones. */
  public Labels only(Set<String> names) {
    var builder = new Builder();
    for (int i = 0; i < size(); i++) {
      if (names.contains(name(i))) {
        builder.set(name(i), value(i));
      }
    }
    return builder.build();
  }

  /**
   * These labels and others; where both have a name the other's value counts, also an empty one.
   */
  public Labels with(Labels others) {
    var builder = new Builder();
    for (int i = 0; i < size(); i++) {
      builder.set(name(i), value(i));
    }
    for (int i = 0; i < others.size(); i++) {
      builder.set(others.name(i), others.value(i));
    }
    return builder.build();
  }

  /**
   * These labels after an update: a value sets or replaces, an empty value removes, others stay.
   */
  public Labels updated(Labels update) {
    var builder = new Builder();
    for (int i = 0; i < size(); i++) {
      builder.set(name(i), value(i));
    }
    for (int i = 0; i < update.size(); i++) {
      if (update.value(i).isEmpty()) {
        builder.remove(update.name(i));
      } else {
        builder.set(update.name(i), update.value(i));
      }
    }
    return builder.build();
  }

  /**
   * Bytes that names and values take in UTF-8: what labels add to the reported size of a record.
   */
  public long utf8Bytes() {
    long bytes = 0;
    for (String text : pairs) {
      bytes += utf8Length(text);
    }
    return bytes;
  }

  /** Names with values as a map in name order; a copy. */
  public Map<String, String> toMap() {
    var map = new TreeMap<String, String>();
    for (int i = 0; i < size(); i++) {
      map.put(name(i), value(i));
    }
    return map;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Labels labels && Arrays.equals(pairs, labels.pairs);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(pairs);
  }

  @Override
  public String toString() {
    return toMap().toString();
  }

  /**
   * Length of a string in UTF-8. An unpaired surrogate counts as the one byte that encoders replace
   * it by.
   */
  static int utf8Length(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        bytes += 1;
      } else if (c < 0x800) {
        bytes += 2;
      } else if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        bytes += 4;
        i++;
      } else if (Character.isSurrogate(c)) {
        bytes += 1;
      } else {
        bytes += 3;
      }
    }
    return bytes;
  }

  private static String requireName(String name) {
    if (name.isEmpty()) {
      throw new PannierException.Invalid("Label name must not be empty");
    }
    return name;
  }

  /** Collects labels; of a repeated name the last value counts. Not for sharing between threads. */
  public static final class Builder {
    private final List<String> names = new ArrayList<>();
    private final List<String> values = new ArrayList<>();

    /** Sets a label; an empty value is a value. */
    public Builder set(String name, String value) {
      requireName(name);
      int at = find(name);
      if (at >= 0) {
        values.set(at, value);
      } else {
        names.add(-at - 1, name);
        values.add(-at - 1, value);
      }
      return this;
    }

    /** Takes a label out; an absent one is not an error. */
    public Builder remove(String name) {
      int at = find(name);
      if (at >= 0) {
        names.remove(at);
        values.remove(at);
      }
      return this;
    }

    /** The labels collected so far. */
    public Labels build() {
      if (names.isEmpty()) {
        return EMPTY;
      }
      var pairs = new String[names.size() * 2];
      for (int i = 0; i < names.size(); i++) {
        pairs[2 * i] = names.get(i);
        pairs[2 * i + 1] = values.get(i);
      }
      return new Labels(pairs);
    }

    /**
     * Position of the name, or {@code -insertion point - 1}. Records carry few labels and most
     * senders sort them: search from the end.
     */
    private int find(String name) {
      for (int i = names.size() - 1; i >= 0; i--) {
        int order = names.get(i).compareTo(name);
        if (order == 0) {
          return i;
        }
        if (order < 0) {
          return -(i + 1) - 1;
        }
      }
      return -1;
    }
  }
}
