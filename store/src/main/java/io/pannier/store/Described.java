package io.pannier.store;

import io.pannier.model.Timestamp;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One line of a description: a structure of the data folder and what it says. Lines come in the
 * order in which things lie in a file; {@code depth} tells what is part of what.
 *
 * @param depth 0 for a file, 1 for what is in it
 * @param kind what it is: {@code block}, {@code record}, {@code change} ...
 * @param fields texts, numbers, truths, and maps of them, in the order of the format
 */
public record Described(int depth, String kind, Map<String, Object> fields) {
  private static final Set<String> TIMES =
      Set.of("created", "timestamp", "oldest", "newest", "arrival");

  /** Copies the fields. */
  public Described {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /**
   * The line as people read it. Times come as a number, which is what the store works with, and as
   * a date, which is what people work with.
   */
  public String text() {
    var text = new StringBuilder("  ".repeat(depth)).append(kind);
    for (var field : fields.entrySet()) {
      text.append("  ")
          .append(field.getKey())
          .append('=')
          .append(text(field.getKey(), field.getValue()));
    }
    return text.toString();
  }

  private static String text(String name, Object value) {
    if (TIMES.contains(name) && value instanceof Number number) {
      return number + date(number);
    }
    return switch (value) {
      case String string -> quoted(string);
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(item -> text("", item.getKey()) + "=" + text("", item.getValue()))
              .collect(Collectors.joining(", ", "{", "}"));
      case List<?> list ->
          list.stream().map(item -> text("", item)).collect(Collectors.joining(", ", "[", "]"));
      default -> value.toString();
    };
  }

  private static String date(Number micros) {
    long value = micros.longValue();
    if (micros instanceof BigInteger || value == 0) {
      return "";
    }
    try {
      return " (" + Instant.ofEpochSecond(value / 1_000_000, value % 1_000_000 * 1_000) + ")";
    } catch (DateTimeException outOfRange) {
      return "";
    }
  }

  /** Texts come from clients: nothing in them may control a terminal or pass for another field. */
  private static String quoted(String value) {
    boolean plain =
        !value.isEmpty()
            && value.chars().allMatch(c -> c > ' ' && c < 0x7f && ",=\"{}[]".indexOf(c) < 0);
    if (plain) {
      return value;
    }
    var quoted = new StringBuilder("\"");
    value
        .chars()
        .forEach(c -> {
          if (c < ' ' || (c >= 0x7f && c < 0xa0) || c == '"' || c == '\\') {
            quoted.append(String.format(java.util.Locale.ROOT, "\\u%04x", c));
          } else {
            quoted.append((char) c);
          }
        });
    return quoted.append('"').toString();
  }

  /** An unsigned number as a field. */
  static Object unsigned(long value) {
    return value >= 0 ? (Object) value : new BigInteger(Timestamp.toString(value));
  }
}
