package io.pannier.query.when;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The members of the root that begin with {@code #}. */
final class Directives {
  private static final Set<String> NAMES =
      Set.of(
          "#ctx_before",
          "#ctx_after",
          "#select_labels",
          "#ext",
          "#batch_size",
          "#batch_records",
          "#batch_metadata_size",
          "#batch_timeout",
          "#record_timeout",
          "#io_timeout");

  private final Map<String, List<Value>> values = new LinkedHashMap<>();
  private @Nullable JsonNode ext;

  /** Reads their values, in the order of the text; what they mean is asked for later. */
  static Directives read(JsonNode when) {
    var directives = new Directives();
    if (when instanceof ObjectNode object) {
      for (var member : object.properties()) {
        if (member.getKey().startsWith("#")) {
          directives.add(member.getKey(), member.getValue());
        }
      }
    }
    return directives;
  }

  private void add(String key, JsonNode value) {
    if (!NAMES.contains(key)) {
      throw invalid("Directive '" + key + "' is not supported");
    }
    if (value.isNull()) {
      throw invalid("Directive '" + key + "' cannot be null");
    }
    var items = new ArrayList<Value>();
    if (value.isArray()) {
      for (JsonNode item : value) {
        if (item.isObject() && !key.equals("#ext")) {
          throw invalid("Directive '" + key + "' does not support object items in arrays");
        }
        items.add(value(key, item));
      }
    } else {
      items.add(value(key, value));
    }
    values.put(key, items);
    if (key.equals("#ext")) {
      ext = value;
    }
  }

  private static Value value(String key, JsonNode item) {
    return switch (item.getNodeType()) {
      case BOOLEAN -> Value.of(item.booleanValue());
      case NUMBER ->
          ConditionParser.number(
              item,
              n -> invalid("Directive '" + key + "' contains integer value out of range: " + n));
      case STRING -> {
        OptionalLong duration = Durations.parse(item.textValue());
        yield duration.isPresent()
            ? new Value.Duration(duration.getAsLong())
            : new Value.Text(item.textValue());
      }
      case OBJECT -> new Value.Text(item.toString());
      default -> throw invalid("Directive '" + key + "' contains unsupported value type: " + item);
    };
  }

  // ---------------------------------------------------------------- what they mean

  Optional<JsonNode> ext() {
    return Optional.ofNullable(ext);
  }

  Window window(String key) {
    List<Value> given = values.get(key);
    if (given == null) {
      return Window.NONE;
    }
    if (given.size() != 1) {
      throw invalid(key + " must be a single value");
    }
    Value value = given.getFirst();
    Window window;
    if (value instanceof Value.Duration(long micros)) {
      window = new Window(true, micros);
    } else {
      try {
        window = new Window(false, value.asInt());
      } catch (PannierException.Invalid e) {
        throw invalid(key + " must be an integer or duration: " + e.getMessage());
      }
    }
    if (window.amount() < 0) {
      throw invalid(key + " must be non-negative");
    }
    return window;
  }

  Optional<Set<String>> selectedLabels() {
    List<Value> given = values.get("#select_labels");
    if (given == null) {
      return Optional.empty();
    }
    if (given.isEmpty()) {
      throw invalid("#select_labels must contain at least one label");
    }
    var names = new TreeSet<String>();
    for (Value value : given) {
      if (!(value instanceof Value.Text(String name))) {
        throw invalid("#select_labels must contain only string values");
      }
      names.add(name);
    }
    return Optional.of(Set.copyOf(names));
  }

  TransferLimits transferLimits() {
    OptionalLong bytes = size("#batch_size");
    OptionalLong records = number("#batch_records");
    OptionalLong metadata = size("#batch_metadata_size");
    OptionalLong batchTimeout = timeout("#batch_timeout");
    OptionalLong recordTimeout = timeout("#record_timeout");
    timeout("#io_timeout");
    return new TransferLimits(
        bytes,
        metadata,
        records.isPresent()
            ? OptionalInt.of((int) Math.min(Integer.MAX_VALUE, records.getAsLong()))
            : OptionalInt.empty(),
        batchTimeout,
        recordTimeout);
  }

  private OptionalLong size(String key) {
    Value value = single(key, "integer or string value");
    String expected = " must be a positive integer or string";
    return switch (value) {
      case null -> OptionalLong.empty();
      case Value.Int(long bytes) when bytes >= 0 -> OptionalLong.of(bytes);
      case Value.Text(String text) -> {
        try {
          yield OptionalLong.of(ByteSizes.parse(text));
        } catch (PannierException.Invalid e) {
          throw invalid(key + expected + ": " + e.getMessage());
        }
      }
      default -> throw invalid(key + expected + " representing a positive integer");
    };
  }

  private OptionalLong number(String key) {
    Value value = single(key, "integer value");
    return switch (value) {
      case null -> OptionalLong.empty();
      case Value.Int(long number) when number >= 0 -> OptionalLong.of(number);
      default -> throw invalid(key + " must be a positive integer");
    };
  }

  private OptionalLong timeout(String key) {
    Value value = single(key, "integer or duration value");
    return switch (value) {
      case null -> OptionalLong.empty();
      case Value.Int(long seconds) when seconds >= 0 ->
          OptionalLong.of(
              seconds > Long.MAX_VALUE / 1_000_000 ? Long.MAX_VALUE : seconds * 1_000_000);
      case Value.Duration(long micros) when micros >= 0 -> OptionalLong.of(micros);
      default -> throw invalid(key + " must be a positive integer or duration");
    };
  }

  private @Nullable Value single(String key, String what) {
    List<Value> given = values.get(key);
    if (given == null) {
      return null;
    }
    if (given.size() != 1) {
      throw invalid(key + " must be a single " + what);
    }
    return given.getFirst();
  }

  private static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid(message);
  }
}
