package io.pannier.extract.select;

import static io.pannier.extract.select.SelectConfig.invalid;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.select.SelectConfig.ProtobufSource;
import io.pannier.extract.table.DataFormat;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the parameters of a statement over each record. */
final class SqlParameters {
  private static final String DEFAULT_STATEMENT = "SELECT * FROM ENTRY()";

  /** Longest statement in characters. */
  private static final int STATEMENT_MAX = 65_536;

  /** Largest schema in characters of base64. */
  private static final int SCHEMA_MAX = 4 << 20;

  private static final int FIELDS_MAX = 4096;

  /** Largest number of a field in Protobuf. */
  private static final int FIELD_NUMBER_MAX = (1 << 29) - 1;

  private static final Set<String> SCALARS =
      Set.of(
          "string",
          "bytes",
          "double",
          "float",
          "fixed64",
          "sfixed64",
          "fixed32",
          "sfixed32",
          "sint32",
          "sint64",
          "uint64",
          "uint32",
          "int64",
          "int32",
          "bool",
          "enum");

  /** How a statement that only reads begins, perhaps behind comments. */
  private static final Pattern BEGIN =
      Pattern.compile("(?is)(?:\\s|--[^\n]*\n|/\\*.*?\\*/|\\()*+(?:select|with|from|values)\\b");

  private static final Pattern DURATION_PART =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(us|ms|s|m|h|d|w)\\s*");

  private SqlParameters() {}

  static SelectConfig.Sql read(JsonNode parameters) {
    var given = new ArrayList<DataFormat>();
    for (DataFormat format : DataFormat.values()) {
      if (SelectConfig.object(parameters, format.word()).isPresent()) {
        given.add(format);
      }
    }
    if (given.size() > 1) {
      throw invalid("Only one input format can be specified");
    }
    Optional<Boolean> headers =
        SelectConfig.object(parameters, "csv")
            .flatMap(csv -> SelectConfig.flag(csv, "has_headers", "csv.has_headers"));
    String statement = SelectConfig.text(parameters, "sql", "sql").orElse(DEFAULT_STATEMENT);
    if (statement.isBlank()) {
      throw invalid("'sql' must be a SELECT statement");
    }
    if (!BEGIN.matcher(statement).lookingAt()) {
      throw invalid(
          "'sql' must be one SELECT statement, not '"
              + statement.strip().split("\\s", 2)[0]
              + " …'");
    }
    if (statement.length() > STATEMENT_MAX) {
      throw invalid(
          "'sql' has "
              + statement.length()
              + " characters, at most "
              + STATEMENT_MAX
              + " are allowed");
    }
    Optional<JsonNode> export = SelectConfig.object(parameters, "export");
    return new SelectConfig.Sql(
        given.stream().findFirst(),
        headers,
        protobuf(SelectConfig.object(parameters, "protobuf")),
        statement,
        export.flatMap(SqlParameters::format),
        export.map(SqlParameters::rows).orElse(0L),
        export.map(SqlParameters::duration).orElse(0L),
        labels(SelectConfig.object(parameters, "as_label")));
  }

  private static Optional<DataFormat> format(JsonNode export) {
    Optional<String> word = SelectConfig.text(export, "format", "export.format");
    if (word.isEmpty()) {
      return Optional.empty();
    }
    return switch (word.get()) {
      case "csv" -> Optional.of(DataFormat.CSV);
      case "json" -> Optional.of(DataFormat.JSON);
      case "parquet" -> Optional.of(DataFormat.PARQUET);
      default ->
          throw invalid(
              "'export.format' must be 'csv', 'json' or 'parquet', not '" + word.get() + "'");
    };
  }

  private static long rows(JsonNode export) {
    OptionalLong rows = SelectConfig.whole(export, "rows", "export.rows");
    if (rows.isPresent() && rows.getAsLong() <= 0) {
      throw invalid("'export.rows' must be greater than 0");
    }
    return rows.orElse(0);
  }

  private static long duration(JsonNode export) {
    JsonNode member = export.path("duration");
    if (member.isMissingNode() || member.isNull()) {
      return 0;
    }
    BigDecimal micros;
    if (member.isNumber()) {
      micros = member.decimalValue();
    } else if (member.isTextual()) {
      micros = micros(member.textValue());
    } else {
      throw badDuration(member.toString());
    }
    if (micros.signum() <= 0) {
      throw invalid("'export.duration' must be greater than 0");
    }
    if (micros.precision() - micros.scale() > 18) {
      throw badDuration(member.asText());
    }
    return Math.max(1, micros.setScale(0, RoundingMode.HALF_UP).longValue());
  }

  /** Length of time in µs that a text such as {@code 1.5s} or {@code 1m 30s} tells. */
  private static BigDecimal micros(String text) {
    String rest = text.strip();
    if (rest.isEmpty() || rest.length() > 100) {
      throw badDuration(text);
    }
    Matcher part = DURATION_PART.matcher(rest);
    BigDecimal sum = BigDecimal.ZERO;
    int at = 0;
    while (at < rest.length()) {
      part.region(at, rest.length());
      if (!part.lookingAt()) {
        throw badDuration(text);
      }
      long unit =
          switch (part.group(2)) {
            case "us" -> 1L;
            case "ms" -> 1_000L;
            case "s" -> 1_000_000L;
            case "m" -> 60_000_000L;
            case "h" -> 3_600_000_000L;
            case "d" -> 86_400_000_000L;
            default -> 604_800_000_000L;
          };
      sum = sum.add(new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(unit)));
      at = part.end();
    }
    return sum;
  }

  private static io.pannier.model.PannierException.Invalid badDuration(String text) {
    return invalid(
        "'export.duration' must be a number of microseconds or a text such as '1s', '1.5s' or '1m',"
            + " not '"
            + text
            + "'");
  }

  private static Map<String, String> labels(Optional<JsonNode> object) {
    var labels = new LinkedHashMap<String, String>();
    object.ifPresent(members ->
        members
            .properties()
            .forEach(member -> {
              SelectConfig.checkLabel(member.getKey());
              if (!member.getValue().isTextual()) {
                throw invalid("'as_label." + member.getKey() + "' must be the name of a column");
              }
              labels.put(member.getKey(), member.getValue().textValue());
            }));
    return labels;
  }

  private static ProtobufSource protobuf(Optional<JsonNode> object) {
    if (object.isEmpty()) {
      return new ProtobufSource(Optional.empty(), Optional.empty(), Map.of());
    }
    JsonNode protobuf = object.get();
    Optional<String> messageName =
        SelectConfig.text(protobuf, "message_name", "protobuf.message_name");
    Optional<String> schema = SelectConfig.text(protobuf, "schema", "protobuf.schema");
    Optional<JsonNode> fields = SelectConfig.object(protobuf, "fields");
    if (fields.isPresent() && (messageName.isPresent() || schema.isPresent())) {
      throw invalid(
          "'protobuf.fields' cannot be combined with '"
              + (schema.isPresent() ? "schema" : "message_name")
              + "'");
    }
    if (schema.isPresent() && messageName.isEmpty()) {
      throw invalid("'protobuf.schema' needs 'protobuf.message_name'");
    }
    if (schema.isPresent() && schema.get().length() > SCHEMA_MAX) {
      throw invalid(
          "'protobuf.schema' has "
              + schema.get().length()
              + " characters, at most "
              + SCHEMA_MAX
              + " are allowed");
    }
    if (fields.isPresent() && fields.get().isEmpty()) {
      throw invalid("'protobuf.fields' must name at least one field");
    }
    return new ProtobufSource(
        messageName, schema, fields.map(SqlParameters::fields).orElse(Map.of()));
  }

  private static Map<String, ProtobufSource.Field> fields(JsonNode object) {
    if (object.size() > FIELDS_MAX) {
      throw invalid(
          "'protobuf.fields' has "
              + object.size()
              + " members, at most "
              + FIELDS_MAX
              + " are allowed");
    }
    var fields = new LinkedHashMap<String, ProtobufSource.Field>();
    for (Map.Entry<String, JsonNode> member : object.properties()) {
      String place = "protobuf.fields." + member.getKey();
      if (!member.getValue().isObject()) {
        throw invalid("'" + place + "' must be an object with 'id' and 'type'");
      }
      OptionalLong id = SelectConfig.whole(member.getValue(), "id", place + ".id");
      if (id.isEmpty() || id.getAsLong() < 1 || id.getAsLong() > FIELD_NUMBER_MAX) {
        throw invalid(
            "'" + place + ".id' must be the number of a field, from 1 to " + FIELD_NUMBER_MAX);
      }
      Optional<String> type = SelectConfig.text(member.getValue(), "type", place + ".type");
      if (type.isEmpty() || !SCALARS.contains(type.get())) {
        throw invalid(
            "'"
                + place
                + ".type' must be one of "
                + String.join(", ", List.copyOf(new java.util.TreeSet<>(SCALARS))));
      }
      fields.put(member.getKey(), new ProtobufSource.Field((int) id.getAsLong(), type.get()));
    }
    return fields;
  }
}
