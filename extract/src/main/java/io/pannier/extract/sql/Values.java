package io.pannier.extract.sql;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.sql.Array;
import java.sql.Blob;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Base64;
import java.util.Map;
import org.duckdb.DuckDBStruct;
import org.jspecify.annotations.Nullable;

/** Values of results as JSON. */
final class Values {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .build();

  private Values() {}

  static @Nullable JsonNode of(ResultSet result, int column, ResultRows.Kind kind)
      throws SQLException {
    return switch (kind) {
      case BOOLEAN -> {
        boolean value = result.getBoolean(column);
        yield result.wasNull() ? null : NODES.booleanNode(value);
      }
      case INTEGER -> {
        String digits = result.getString(column);
        yield digits == null ? null : integer(digits);
      }
      case FLOAT -> {
        float value = result.getFloat(column);
        yield result.wasNull() ? null : number(value);
      }
      case DOUBLE -> {
        double value = result.getDouble(column);
        yield result.wasNull() ? null : number(value);
      }
      case DECIMAL -> {
        BigDecimal value = result.getBigDecimal(column);
        yield value == null ? null : NODES.numberNode(value);
      }
      case TEXT -> {
        String text = result.getString(column);
        yield text == null ? null : NODES.textNode(text);
      }
      case BYTES -> {
        Blob bytes = result.getBlob(column);
        yield bytes == null ? null : blob(bytes);
      }
      case JSON -> {
        String text = result.getString(column);
        yield text == null ? null : json(text);
      }
      case NESTED -> {
        Object value = result.getObject(column);
        yield value == null ? null : nested(value);
      }
    };
  }

  private static JsonNode integer(String digits) {
    return digits.length() <= 18
        ? NODES.numberNode(Long.parseLong(digits))
        : NODES.numberNode(new BigInteger(digits));
  }

  private static JsonNode number(double value) {
    return Double.isFinite(value) ? NODES.numberNode(value) : NODES.nullNode();
  }

  private static JsonNode number(float value) {
    return Float.isFinite(value) ? NODES.numberNode(value) : NODES.nullNode();
  }

  private static JsonNode blob(Blob blob) throws SQLException {
    return NODES.textNode(
        Base64.getEncoder().encodeToString(blob.getBytes(1, (int) blob.length())));
  }

  /** JSON as the engine has it; what JSON has no form for becomes null. */
  private static JsonNode json(String text) {
    try {
      return finite(JSON.readTree(text));
    } catch (JsonProcessingException e) {
      return NODES.textNode(text);
    }
  }

  private static JsonNode finite(JsonNode node) {
    if (node.isDouble() && !Double.isFinite(node.doubleValue())) {
      return NODES.nullNode();
    }
    if (node instanceof ArrayNode list) {
      for (int i = 0; i < list.size(); i++) {
        list.set(i, finite(list.get(i)));
      }
    } else if (node instanceof ObjectNode object) {
      for (Map.Entry<String, JsonNode> member : object.properties()) {
        member.setValue(finite(member.getValue()));
      }
    }
    return node;
  }

  private static JsonNode nested(@Nullable Object value) throws SQLException {
    return switch (value) {
      case null -> NODES.nullNode();
      case Boolean bool -> NODES.booleanNode(bool);
      case Double real -> number(real.doubleValue());
      case Float real -> number(real.floatValue());
      case BigDecimal decimal -> NODES.numberNode(decimal);
      case BigInteger integer -> NODES.numberNode(integer);
      case Byte integer -> NODES.numberNode(integer.longValue());
      case Short integer -> NODES.numberNode(integer.longValue());
      case Integer integer -> NODES.numberNode(integer.longValue());
      case Long integer -> NODES.numberNode(integer.longValue());
      case String text -> NODES.textNode(text);
      case Blob blob -> blob(blob);
      case byte[] bytes -> NODES.textNode(Base64.getEncoder().encodeToString(bytes));
      case ByteBuffer bytes -> {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        yield NODES.textNode(Base64.getEncoder().encodeToString(copy));
      }
      case org.duckdb.JsonNode json -> json(json.toString());
      case DuckDBStruct struct -> {
        ObjectNode object = NODES.objectNode();
        for (Map.Entry<String, Object> member : struct.getMap().entrySet()) {
          object.set(member.getKey(), nested(member.getValue()));
        }
        yield object;
      }
      case Map<?, ?> map -> {
        ObjectNode object = NODES.objectNode();
        for (Map.Entry<?, ?> member : map.entrySet()) {
          object.set(String.valueOf(member.getKey()), nested(member.getValue()));
        }
        yield object;
      }
      case Array list -> nested(list.getArray());
      case Object[] list -> {
        ArrayNode array = NODES.arrayNode();
        for (Object item : list) {
          array.add(nested(item));
        }
        yield array;
      }
      default -> NODES.textNode(value.toString());
    };
  }
}
