package io.pannier.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A condition on records, judged by the store: {@code When.label("score").gt(0.9)}. Immutable.
 *
 * <p>Members are judged in their order, and the first that does not hold ends the row, so {@code
 * label("a").eq(1).limit(5)} counts records for which the first one held. Texts are literal: what
 * begins with {@code &}, {@code @} or {@code $} is no reference unless it was made by {@link
 * #label}, {@link #computed} or an operator. {@link #json} takes a condition as the protocol has
 * it.
 */
public final class When {
  private static final Set<String> WITH_MEMORY =
      Set.of("$each_n", "$each_t", "$limit", "$gate", "#ctx_before", "#ctx_after");

  private static final Pattern DURATION =
      Pattern.compile("\\s*([+-]?\\d+\\s*(us|ms|s|m|h|d)\\s*)+");

  private final Map<String, @Nullable Object> members;

  private When(Map<String, @Nullable Object> members) {
    this.members = members;
  }

  /** What operators work on: a label, a time, the outcome of an operator, or a literal. */
  public static final class Value {
    private final @Nullable Object json;

    private Value(@Nullable Object json) {
      this.json = json;
    }

    /** Equal. */
    public When eq(Object other) {
      return compare("$eq", other);
    }

    /** Not equal. */
    public When ne(Object other) {
      return compare("$ne", other);
    }

    /** Greater. */
    public When gt(Object other) {
      return compare("$gt", other);
    }

    /** Greater or equal. */
    public When gte(Object other) {
      return compare("$gte", other);
    }

    /** Less. */
    public When lt(Object other) {
      return compare("$lt", other);
    }

    /** Less or equal. */
    public When lte(Object other) {
      return compare("$lte", other);
    }

    /** Equal to one of them. */
    public When in(Object... others) {
      return many("$in", others);
    }

    /** Equal to none of them. */
    public When notIn(Object... others) {
      return many("$nin", others);
    }

    /** Its text contains another. */
    public When contains(Object text) {
      return compare("$contains", text);
    }

    /** Its text begins with another. */
    public When startsWith(Object text) {
      return compare("$starts_with", text);
    }

    /** Its text ends with another. */
    public When endsWith(Object text) {
      return compare("$ends_with", text);
    }

    /** Sum. */
    public Value plus(Object other) {
      return new Value(Map.of("$add", row(json, literal(other))));
    }

    /** Difference. */
    public Value minus(Object other) {
      return new Value(Map.of("$sub", row(json, literal(other))));
    }

    /** Product. */
    public Value times(Object other) {
      return new Value(Map.of("$mult", row(json, literal(other))));
    }

    /** Quotient. */
    public Value dividedBy(Object other) {
      return new Value(Map.of("$div", row(json, literal(other))));
    }

    /** Remainder. */
    public Value remainder(Object other) {
      return new Value(Map.of("$rem", row(json, literal(other))));
    }

    /** Without its sign. */
    public Value abs() {
      return new Value(Map.of("$abs", row(json)));
    }

    /**
     * As another type: {@code bool}, {@code int}, {@code float}, {@code string} or {@code
     * duration}.
     */
    public Value as(String type) {
      return new Value(Map.of("$cast", row(json, type)));
    }

    private When compare(String operator, Object other) {
      return one(operator, row(json, literal(other)));
    }

    private When many(String operator, Object... others) {
      List<@Nullable Object> row = row(json);
      for (Object other : others) {
        row.add(literal(other));
      }
      return one(operator, row);
    }
  }

  private static List<@Nullable Object> row(@Nullable Object... values) {
    List<@Nullable Object> row = new ArrayList<>();
    for (Object value : values) {
      row.add(value);
    }
    return row;
  }

  private static @Nullable Object literal(Object value) {
    return switch (value) {
      case Value made -> made.json;
      case When condition -> operand(condition.members);
      case Duration duration -> micros(duration);
      case String text -> {
        if (text.startsWith("&") || text.startsWith("@")) {
          throw new IllegalArgumentException(
              "the protocol has no literal that begins with '" + text.charAt(0) + "': " + text);
        }
        if (DURATION.matcher(text).matches()) {
          // As one piece it would be read as a duration.
          yield Map.of("$add", row(text.substring(0, 1), text.substring(1)));
        }
        yield text.startsWith("$") ? "$" + text : text;
      }
      default -> value;
    };
  }

  private static String micros(Duration duration) {
    return duration.toNanos() / 1_000 + "us";
  }

  private static When one(String name, @Nullable Object value) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    members.put(name, value);
    return new When(members);
  }

  /**
   * The value of a label, typed by its text: truth, whole number, number, else text. So {@code
   * label("id").eq("7")} never holds, {@code eq(7)} may; see {@link #labelText}.
   */
  public static Value label(String name) {
    return new Value("&" + name);
  }

  /** The value of a label as a text. */
  public static Value labelText(String name) {
    return label(name).as("string");
  }

  /** The value of a label that an extension computed. */
  public static Value computed(String name) {
    return new Value("@" + name);
  }

  /** The time of the record, µs since the epoch. */
  public static Value timestamp() {
    return new Value("$timestamp");
  }

  /** A literal, to begin with. */
  public static Value value(Object literal) {
    return new Value(literal(literal));
  }

  /** All labels of these names are there. */
  public static When exists(String... names) {
    return one("$exists", new ArrayList<@Nullable Object>(List.of(names)));
  }

  /** All of them hold; judged in order, up to the first that does not. */
  public static When allOf(When... conditions) {
    return one("$all_of", all(conditions));
  }

  /** One of them holds; judged in order, up to the first that does. */
  public static When anyOf(When... conditions) {
    return one("$any_of", all(conditions));
  }

  /** None of them holds. */
  public static When noneOf(When... conditions) {
    return one("$none_of", all(conditions));
  }

  /** Exactly one of them holds. */
  public static When oneOf(When... conditions) {
    return one("$one_of", all(conditions));
  }

  private static List<@Nullable Object> all(When... conditions) {
    List<@Nullable Object> all = new ArrayList<>();
    for (When condition : conditions) {
      all.add(operand(condition.members));
    }
    return all;
  }

  /** An object with several members would be several operands. */
  private static Object operand(Map<String, @Nullable Object> members) {
    return members.size() == 1 ? members : Map.of("$all_of", row(members));
  }

  /** Every record. */
  public static When always() {
    return new When(new LinkedHashMap<>());
  }

  /**
   * A condition as the protocol has it.
   *
   * @throws IllegalArgumentException when the text is no JSON object
   */
  public static When json(String text) {
    return new When(new LinkedHashMap<>(Json.parseObject(text)));
  }

  /** This one, and then another. */
  public When and(When other) {
    Map<String, @Nullable Object> both = new LinkedHashMap<>(members);
    if (other.members.keySet().stream().anyMatch(both::containsKey)) {
      both.clear();
      // Directives stand at the top, where they are looked for.
      for (When part : List.of(this, other)) {
        part.members.forEach((name, value) -> {
          if (name.startsWith("#")) {
            both.put(name, value);
          }
        });
      }
      both.put("$all_of", row(withoutDirectives(members), withoutDirectives(other.members)));
    } else {
      both.putAll(other.members);
    }
    return new When(both);
  }

  private static Map<String, @Nullable Object> withoutDirectives(
      Map<String, @Nullable Object> members) {
    Map<String, @Nullable Object> rest = new LinkedHashMap<>(members);
    rest.keySet().removeIf(name -> name.startsWith("#"));
    return rest;
  }

  private When with(String name, @Nullable Object value) {
    Map<String, @Nullable Object> more = new LinkedHashMap<>(members);
    more.remove(name);
    more.put(name, value);
    return new When(more);
  }

  /** Every n-th of the records so far. */
  public When eachN(long n) {
    return with("$each_n", n);
  }

  /** A record so far, once in this time. */
  public When eachT(Duration time) {
    return with("$each_t", micros(time));
  }

  /** No more than so many records of an entry, then the query ends. */
  public When limit(long records) {
    return with("$limit", records);
  }

  /** Open for this time from the moment on that the input begins to hold. */
  public When gate(Duration time, When input) {
    return with("$gate", row(micros(time), operand(input.members)));
  }

  /** Also the records before a match. */
  public When contextBefore(long records) {
    return with("#ctx_before", records);
  }

  /** Also what lies less than this time before a match. */
  public When contextBefore(Duration time) {
    return with("#ctx_before", micros(time));
  }

  /** Also the records after a match. */
  public When contextAfter(long records) {
    return with("#ctx_after", records);
  }

  /** Also what lies less than this time after a match. */
  public When contextAfter(Duration time) {
    return with("#ctx_after", micros(time));
  }

  /** Only these labels in the result. */
  public When selectLabels(String... names) {
    return with("#select_labels", new ArrayList<@Nullable Object>(List.of(names)));
  }

  /** Parameters of server-side extensions, as JSON. */
  public When extension(String json) {
    return with("#ext", Json.parse(json));
  }

  /** A directive of the protocol that has no method here. */
  public When directive(String name, Object value) {
    return with(name.startsWith("#") ? name : "#" + name, literal(value));
  }

  /** Whether what it says of a record depends on the records before. */
  boolean hasMemory() {
    return hasMemory(members);
  }

  private static boolean hasMemory(@Nullable Object json) {
    if (json instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .anyMatch(
              member -> WITH_MEMORY.contains(member.getKey()) || hasMemory(member.getValue()));
    }
    if (json instanceof Iterable<?> items) {
      for (Object item : items) {
        if (hasMemory(item)) {
          return true;
        }
      }
    }
    return json instanceof String text && WITH_MEMORY.contains(text);
  }

  boolean hasExtension() {
    return members.containsKey("#ext");
  }

  boolean isEmpty() {
    return members.isEmpty();
  }

  Map<String, @Nullable Object> tree() {
    return members;
  }

  /** The condition as the protocol has it. */
  public String toJson() {
    return Json.write(members);
  }

  @Override
  public String toString() {
    return toJson();
  }
}
