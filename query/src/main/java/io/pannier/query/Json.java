package io.pannier.query;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Bodies of requests as JSON, strict: a number that stands as text, is negative, has a fraction or
 * does not fit is an error, never rounded. Members keep their order. Every failure is an {@link
 * PannierException.Invalid} that begins with {@code Invalid JSON: }.
 */
public final class Json {
  /** Nesting that a client may send; the reference's parser has the same bound. */
  private static final int DEPTH_MAX = 127;

  private static final BigInteger UNSIGNED_MAX =
      BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              new com.fasterxml.jackson.core.JsonFactoryBuilder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build())
                  .build())
          .disable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /** Parses a text that must be one JSON object. */
  public static ObjectNode object(byte[] text) {
    if (parse(text) instanceof ObjectNode object) {
      return object;
    }
    throw invalid("expected an object");
  }

  /** Parses any JSON value. */
  public static JsonNode parse(byte[] text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      if (node == null || node.isMissingNode()) {
        throw invalid("EOF while parsing a value at line 1 column 0");
      }
      return node;
    } catch (StreamConstraintsException e) {
      throw invalid("recursion limit exceeded" + where(e));
    } catch (JsonProcessingException e) {
      throw invalid(e.getOriginalMessage() + where(e));
    } catch (IOException e) {
      throw invalid("the text cannot be read");
    }
  }

  private static String where(JsonProcessingException e) {
    JsonLocation at = e.getLocation();
    return at == null ? "" : " at line " + at.getLineNr() + " column " + at.getColumnNr();
  }

  /** Whether a member is there and not null. */
  public static boolean has(ObjectNode object, String name) {
    return object.hasNonNull(name);
  }

  /** An unsigned 64-bit number; absent and null are the same. */
  public static OptionalLong unsigned(ObjectNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return OptionalLong.empty();
    }
    if (!value.isIntegralNumber()) {
      throw invalid("'" + name + "' must be an unsigned integer, not " + describe(value));
    }
    BigInteger number = value.bigIntegerValue();
    if (number.signum() < 0 || number.compareTo(UNSIGNED_MAX) > 0) {
      throw invalid(
          "'" + name + "' must be an unsigned 64-bit integer, not " + shortened(number.toString()));
    }
    return OptionalLong.of(number.longValue());
  }

  /** A number; absent and null are the same. */
  public static OptionalDouble number(ObjectNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return OptionalDouble.empty();
    }
    if (!value.isNumber()) {
      throw invalid("'" + name + "' must be a number, not " + describe(value));
    }
    return OptionalDouble.of(value.doubleValue());
  }

  /** A boolean; absent and null are false. */
  public static boolean flag(ObjectNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return false;
    }
    if (!value.isBoolean()) {
      throw invalid("'" + name + "' must be true or false, not " + describe(value));
    }
    return value.booleanValue();
  }

  /** A text; absent and null are the same. */
  public static Optional<String> text(ObjectNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw invalid("'" + name + "' must be a string, not " + describe(value));
    }
    return Optional.of(value.textValue());
  }

  /** A text that must be there. */
  public static String requiredText(ObjectNode object, String name) {
    return text(object, name).orElseThrow(() -> invalid("missing field `" + name + "`"));
  }

  /** A list of texts; absent and null are the same. */
  public static Optional<List<String>> texts(ObjectNode object, String name) {
    JsonNode value = object.get(name);
    if (value == null || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isArray()) {
      throw invalid("'" + name + "' must be an array of strings, not " + describe(value));
    }
    var texts = new ArrayList<String>(value.size());
    for (JsonNode item : value) {
      if (!item.isTextual()) {
        throw invalid("'" + name + "' must contain strings only, not " + describe(item));
      }
      texts.add(item.textValue());
    }
    return Optional.of(List.copyOf(texts));
  }

  /** The error of a text that is not what it should be. */
  public static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid("Invalid JSON: " + message);
  }

  private static String describe(JsonNode value) {
    return switch (value.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case BOOLEAN -> "a boolean";
      case NUMBER -> "the number " + shortened(value.asText());
      case NULL, MISSING -> "null";
      case BINARY, POJO -> "something else";
    };
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }
}
