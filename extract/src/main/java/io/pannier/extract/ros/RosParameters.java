package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import io.pannier.query.when.ByteSizes;
import io.pannier.query.when.Durations;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The parameters of the extension, checked. Members that are not known are left alone. */
final class RosParameters {
  /** What is to be done; exactly one. */
  sealed interface Operation {
    /**
     * Messages as JSON or pictures.
     *
     * @param fields what is wanted of single fields
     * @param list whether the message stands in a list of one
     */
    record Extract(
        Optional<String> topic, FieldTree fields, boolean list, Form form, boolean recover)
        implements Operation {}

    /** Some topics of recordings as new recordings. */
    record Transform(
        List<Pattern> include, List<Pattern> exclude, EpisodeLimits limits, boolean recover)
        implements Operation {}

    /** Raw messages as recordings. */
    record Export(EpisodeLimits limits) implements Operation {}

    /** What recordings hold. */
    record Summary() implements Operation {}
  }

  /** What becomes of a message. */
  enum Form {
    /** JSON. */
    JSON,
    /** Of an image, the file. */
    JPEG,
    /** Of an image, the file. */
    PNG
  }

  /**
   * When a recording ends and the next begins.
   *
   * @param nanos longest time
   * @param bytes most bytes of messages, channels and schemas
   */
  record EpisodeLimits(long nanos, long bytes) {}

  private static final long SIZE_MIN = 1_000;

  private RosParameters() {}

  /** Reads {@code ros}. */
  static Operation read(JsonNode parameters) {
    if (!parameters.isObject()) {
      throw invalid("'ros' must be a JSON object");
    }
    if (parameters.has("rosbag")) {
      throw invalid("Rosbag archives are not supported: convert them to MCAP");
    }
    var named = new ArrayList<String>();
    for (String name : List.of("extract", "transform", "export", "summary")) {
      if (parameters.has(name)) {
        named.add(name);
      }
    }
    if (named.size() != 1) {
      throw invalid("Exactly one of 'extract', 'transform', 'export' must be specified");
    }
    String name = named.getFirst();
    JsonNode operation = parameters.get(name);
    if (!operation.isObject()) {
      throw invalid("'ros." + name + "' must be a JSON object");
    }
    return switch (name) {
      case "extract" -> extract(operation);
      case "transform" ->
          new Operation.Transform(
              patterns(operation, "include"),
              patterns(operation, "exclude"),
              limits(operation, "ros.transform"),
              flag(operation, "recover", "ros.transform").orElse(false));
      case "export" -> {
        Optional<String> format = text(operation, "format", "ros.export");
        if (!format.equals(Optional.of("mcap"))) {
          throw invalid("'ros.export.format' must be 'mcap'");
        }
        yield new Operation.Export(limits(operation, "ros.export"));
      }
      default -> new Operation.Summary();
    };
  }

  private static Operation extract(JsonNode operation) {
    FieldTree fields = FieldTree.withStamp();
    Map<String, String> encode = texts(operation, "encode");
    encode.forEach((path, format) ->
        fields.at(path, "ros.extract.encode").encoding =
            switch (format) {
              case "base64" -> FieldTree.Encoding.BASE64;
              case "jpeg" -> FieldTree.Encoding.JPEG;
              case "png" -> FieldTree.Encoding.PNG;
              default ->
                  throw invalid(
                      "'ros.extract.encode."
                          + path
                          + "' must be 'base64', 'jpeg' or 'png', not '"
                          + format
                          + "'");
            });
    texts(operation, "as_label")
        .forEach((label, path) -> {
          requireLabel(label);
          fields.at(path, "ros.extract.as_label").labels.add(label);
        });
    Form form =
        switch (text(operation, "format", "ros.extract").orElse("json")) {
          case "json" -> Form.JSON;
          case "jpeg" -> Form.JPEG;
          case "png" -> Form.PNG;
          default -> throw invalid("'ros.extract.format' must be 'json', 'jpeg' or 'png'");
        };
    if (form != Form.JSON && !encode.isEmpty()) {
      throw invalid("'ros.extract.encode' is about JSON and cannot be combined with 'format'");
    }
    return new Operation.Extract(
        text(operation, "topic", "ros.extract"),
        fields,
        flag(operation, "list", "ros.extract").orElse(!encode.isEmpty()),
        form,
        flag(operation, "recover", "ros.extract").orElse(false));
  }

  /** Labels travel in headers, as {@code @name=value} between commas. */
  private static void requireLabel(String name) {
    boolean fits =
        !name.startsWith("@")
            && name.chars().noneMatch(c -> c <= ' ' || c >= 0x7f || ",=\"".indexOf(c) >= 0);
    if (!fits) {
      throw invalid(
          "'ros.extract.as_label' must name labels of ASCII without '@', blanks, commas, quotes and '=', not '"
              + name
              + "'");
    }
  }

  private static EpisodeLimits limits(JsonNode operation, String parent) {
    long nanos = Long.MAX_VALUE;
    Optional<String> duration = text(operation, "duration", parent);
    if (duration.isPresent()) {
      long micros = Durations.exact(duration.get());
      if (micros <= 0) {
        throw invalid("'" + parent + ".duration' must be greater than 0");
      }
      nanos = micros > Long.MAX_VALUE / 1_000 ? Long.MAX_VALUE : 1_000 * micros;
    }
    long bytes = Long.MAX_VALUE;
    Optional<String> size = text(operation, "size", parent);
    if (size.isPresent()) {
      bytes = ByteSizes.parse(size.get());
      if (bytes < SIZE_MIN) {
        throw invalid("'" + parent + ".size' must be at least 1KB");
      }
    }
    return new EpisodeLimits(nanos, bytes);
  }

  private static List<Pattern> patterns(JsonNode operation, String name) {
    JsonNode list = operation.path(name);
    String path = "ros.transform." + name;
    if (list.isMissingNode() || list.isNull()) {
      return List.of();
    }
    var patterns = new ArrayList<Pattern>();
    for (JsonNode each : list) {
      patterns.add(pattern(each, path));
    }
    if (!list.isArray()) {
      throw invalid("'" + path + "' must be a list of topics or regular expressions");
    }
    return List.copyOf(patterns);
  }

  private static Pattern pattern(JsonNode text, String path) {
    if (!text.isTextual()) {
      throw invalid("'" + path + "' must be a list of topics or regular expressions");
    }
    try {
      return Pattern.compile(text.textValue());
    } catch (PatternSyntaxException e) {
      throw invalid(
          "'"
              + path
              + "' has an invalid expression '"
              + text.textValue()
              + "': "
              + e.getDescription().toLowerCase(Locale.ROOT));
    }
  }

  private static Optional<String> text(JsonNode parent, String name, String path) {
    JsonNode value = parent.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      throw invalid("'" + path + "." + name + "' must be a text");
    }
    return Optional.of(value.textValue());
  }

  private static Optional<Boolean> flag(JsonNode parent, String name, String path) {
    JsonNode value = parent.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isBoolean()) {
      throw invalid("'" + path + "." + name + "' must be true or false");
    }
    return Optional.of(value.booleanValue());
  }

  private static Map<String, String> texts(JsonNode operation, String name) {
    JsonNode object = operation.path(name);
    if (object.isMissingNode() || object.isNull()) {
      return Map.of();
    }
    if (!object.isObject()) {
      throw invalid("'ros.extract." + name + "' must be an object of texts");
    }
    var texts = new java.util.LinkedHashMap<String, String>();
    object
        .properties()
        .forEach(member -> {
          if (member.getKey().isEmpty() || !member.getValue().isTextual()) {
            throw invalid("'ros.extract." + name + "' must be an object of texts");
          }
          texts.put(member.getKey(), member.getValue().textValue());
        });
    return texts;
  }

  private static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid(message);
  }
}
