package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import io.pannier.extract.table.ContentException;
import java.math.BigInteger;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The type that values of JSON have in common, told to DuckDB as its {@code from_json} wants it.
 */
sealed interface Shape {
  /** Deepest nesting of types; what lies deeper stays JSON. */
  int DEPTH_MAX = 32;

  /** A type without parts. */
  enum Plain implements Shape {
    /** No value seen. */
    NULL("VARCHAR"),
    BOOLEAN("BOOLEAN"),
    BIGINT("BIGINT"),
    HUGEINT("HUGEINT"),
    UBIGINT("UBIGINT"),
    DOUBLE("DOUBLE"),
    VARCHAR("VARCHAR"),
    /** Values of several kinds: as the JSON that they are. */
    JSON("JSON");

    private final String type;

    Plain(String type) {
      this.type = type;
    }
  }

  /** A list of values of one type. */
  record Items(Shape of) implements Shape {}

  /** An object. */
  record Members(Map<String, Shape> of) implements Shape {}

  /** The type of one value. */
  static Shape of(JsonNode value, int depth) {
    return switch (value.getNodeType()) {
      case NULL, MISSING -> Plain.NULL;
      case BOOLEAN -> Plain.BOOLEAN;
      case STRING, BINARY -> Plain.VARCHAR;
      case NUMBER -> ofNumber(value);
      case ARRAY -> {
        if (depth >= DEPTH_MAX) {
          yield Plain.JSON;
        }
        Shape items = Plain.NULL;
        for (JsonNode item : value) {
          items = items.with(of(item, depth + 1));
        }
        yield new Items(items);
      }
      case OBJECT -> {
        if (depth >= DEPTH_MAX || value.isEmpty()) {
          yield Plain.JSON;
        }
        var members = new LinkedHashMap<String, Shape>();
        Set<String> names = new HashSet<>();
        for (Map.Entry<String, JsonNode> member : value.properties()) {
          // The engine knows no two names that differ in case only.
          if (!names.add(member.getKey().toLowerCase(Locale.ROOT)) && depth > 0) {
            yield Plain.JSON;
          }
          members.put(member.getKey(), of(member.getValue(), depth + 1));
        }
        yield new Members(members);
      }
      case POJO -> throw new IllegalArgumentException("no JSON: " + value);
    };
  }

  private static Shape ofNumber(JsonNode number) {
    if (!number.isIntegralNumber()) {
      return Plain.DOUBLE;
    }
    if (number.canConvertToLong()) {
      return Plain.BIGINT;
    }
    BigInteger value = number.bigIntegerValue();
    return value.bitLength() < 127 ? Plain.HUGEINT : Plain.DOUBLE;
  }

  /** The type of values of this and that one. */
  default Shape with(Shape other) {
    if (equals(other) || other == Plain.NULL) {
      return this;
    }
    if (this == Plain.NULL) {
      return other;
    }
    if (this instanceof Items(Shape mine) && other instanceof Items(Shape theirs)) {
      return new Items(mine.with(theirs));
    }
    if (this instanceof Members(Map<String, Shape> mine)
        && other instanceof Members(Map<String, Shape> theirs)) {
      var all = new LinkedHashMap<>(mine);
      theirs.forEach((name, shape) -> all.merge(name, shape, Shape::with));
      return new Members(all);
    }
    if (this instanceof Plain mine
        && other instanceof Plain theirs
        && mine.isNumber()
        && theirs.isNumber()) {
      return mine == Plain.DOUBLE || theirs == Plain.DOUBLE ? Plain.DOUBLE : Plain.HUGEINT;
    }
    return Plain.JSON;
  }

  /** Whether it is one of the numbers. */
  default boolean isNumber() {
    return this == Plain.BIGINT
        || this == Plain.HUGEINT
        || this == Plain.UBIGINT
        || this == Plain.DOUBLE;
  }

  /** As DuckDB wants it. */
  default JsonNode toNode() {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (this) {
      case Plain plain -> TextNode.valueOf(plain.type);
      // A list of which nothing is known may hold anything.
      case Items(Shape of) -> nodes.arrayNode().add((of == Plain.NULL ? Plain.JSON : of).toNode());
      case Members(Map<String, Shape> of) -> {
        var object = nodes.objectNode();
        of.forEach((name, shape) -> object.set(name, shape.toNode()));
        yield object;
      }
    };
  }

  /** How many names it has in all. */
  default int names() {
    return switch (this) {
      case Plain _ -> 1;
      case Items(Shape of) -> of.names();
      case Members(Map<String, Shape> of) -> 1 + of.values().stream().mapToInt(Shape::names).sum();
    };
  }

  /** Refuses more names than a table can have columns. */
  default void check() throws ContentException {
    if (names() > CsvTable.COLUMNS_MAX + 1) {
      throw new ContentException("there are more than " + CsvTable.COLUMNS_MAX + " members");
    }
  }
}
