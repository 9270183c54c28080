package io.pannier.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON as plain Java values: maps with their members in order, lists, strings, {@code Long}, {@code
 * BigInteger} beyond it, {@code Double}, {@code Boolean}, null.
 */
public final class Json {
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(256 << 20)
                  .maxNestingDepth(500)
                  .build())
          .build();

  private Json() {}

  /**
   * Reads a text that is one value.
   *
   * @throws IllegalArgumentException when it is none; the message says where
   */
  public static @Nullable Object parse(String text) {
    try (JsonParser parser = FACTORY.createParser(text)) {
      if (parser.nextToken() == null) {
        throw new IllegalArgumentException("EOF while parsing a value at line 1 column 0");
      }
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new IllegalArgumentException(
            "trailing characters at " + place(parser.currentTokenLocation()));
      }
      return value;
    } catch (JsonProcessingException malformed) {
      throw new IllegalArgumentException(
          malformed.getOriginalMessage() + " at " + place(malformed.getLocation()), malformed);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /**
   * Reads a text that is one object.
   *
   * @throws IllegalArgumentException when it is none
   */
  public static Map<String, @Nullable Object> parseObject(String text) {
    return object(parse(text));
  }

  private static String place(com.fasterxml.jackson.core.@Nullable JsonLocation location) {
    return location == null
        ? "the end"
        : "line " + location.getLineNr() + " column " + location.getColumnNr();
  }

  private static @Nullable Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          members.put(name, value(parser));
        }
        yield members;
      }
      case START_ARRAY -> {
        List<@Nullable Object> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          items.add(value(parser));
        }
        yield items;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT ->
          parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
              ? parser.getBigIntegerValue()
              : (Object) parser.getLongValue();
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case null, default -> throw new IllegalArgumentException("JSON ended too early");
    };
  }

  /** The value in one line. */
  public static String write(@Nullable Object value) {
    return write(value, false);
  }

  /** The value over several lines, two blanks a level. */
  public static String pretty(@Nullable Object value) {
    return write(value, true);
  }

  private static String write(@Nullable Object value, boolean pretty) {
    var out = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      if (pretty) {
        json.setPrettyPrinter(printer());
      }
      write(json, value);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
    return out.toString();
  }

  private static DefaultPrettyPrinter printer() {
    var indenter = new DefaultIndenter("  ", "\n");
    var printer =
        new DefaultPrettyPrinter(
            Separators.createDefaultInstance()
                .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                .withObjectEmptySeparator("")
                .withArrayEmptySeparator(""));
    printer.indentObjectsWith(indenter);
    printer.indentArraysWith(indenter);
    return printer;
  }

  private static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case Map<?, ?> members -> {
        json.writeStartObject();
        for (var member : members.entrySet()) {
          json.writeFieldName(String.valueOf(member.getKey()));
          write(json, member.getValue());
        }
        json.writeEndObject();
      }
      case Iterable<?> items -> {
        json.writeStartArray();
        for (Object item : items) {
          write(json, item);
        }
        json.writeEndArray();
      }
      case Boolean truth -> json.writeBoolean(truth);
      case Integer number -> json.writeNumber(number);
      case Long number -> json.writeNumber(number);
      case BigInteger number -> json.writeNumber(number);
      case Double number -> json.writeNumber(number);
      case BigDecimal number -> json.writeNumber(number);
      default -> json.writeString(value.toString());
    }
  }

  // Members of objects, for what answers say. A store may leave out what it does not know.

  @SuppressWarnings("unchecked") // Every map of ours has these types.
  static Map<String, @Nullable Object> object(@Nullable Object value) {
    if (value instanceof Map<?, ?> members) {
      return (Map<String, @Nullable Object>) members;
    }
    throw new IllegalArgumentException("expected an object, found " + write(value));
  }

  static Map<String, @Nullable Object> object(Map<String, @Nullable Object> in, String name) {
    Object value = in.get(name);
    return value == null ? Map.of() : object(value);
  }

  static List<Map<String, @Nullable Object>> objects(
      Map<String, @Nullable Object> in, String name) {
    List<Map<String, @Nullable Object>> found = new ArrayList<>();
    if (in.get(name) instanceof Iterable<?> items) {
      items.forEach(item -> found.add(object(item)));
    }
    return found;
  }

  static List<String> texts(Map<String, @Nullable Object> in, String name) {
    List<String> found = new ArrayList<>();
    if (in.get(name) instanceof Iterable<?> items) {
      items.forEach(item -> found.add(String.valueOf(item)));
    }
    return List.copyOf(found);
  }

  static String text(Map<String, @Nullable Object> in, String name) {
    return in.get(name) instanceof String text ? text : "";
  }

  static boolean flag(Map<String, @Nullable Object> in, String name) {
    return Boolean.TRUE.equals(in.get(name));
  }

  /** Unsigned 64-bit numbers as {@code long}. */
  static long number(Map<String, @Nullable Object> in, String name) {
    return in.get(name) instanceof Number number ? number.longValue() : 0;
  }

  /** A number that must not look negative: unsigned. */
  static Object unsigned(long number) {
    return number >= 0 ? (Object) number : new BigInteger(Long.toUnsignedString(number));
  }
}
