package io.pannier.extract.select;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.table.DataFormat;
import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Parameters of {@code select}, read and checked. Members that have no meaning are ignored. */
sealed interface SelectConfig {
  /** Farthest column that can be named; more than any real table has. */
  int COLUMN_MAX = 1_000_000;

  /**
   * The older form: what to take of each row.
   *
   * @param json JSON instead of CSV
   * @param headers whether the first line of a CSV text holds names
   */
  record Columns(boolean json, boolean headers, List<Column> columns) implements SelectConfig {
    public Columns {
      columns = List.copyOf(columns);
    }
  }

  /** What to take, and the computed label that shows it. */
  sealed interface Column {
    Optional<String> label();

    /** The column at a place, counted from 0. */
    record At(int index, Optional<String> label) implements Column {}

    /** The column of that name, or what lies at that path of members. */
    record Named(String name, Optional<String> label) implements Column {}

    /**
     * Some columns side by side.
     *
     * @param to the first behind them; absent: to the end of the row
     */
    record Range(int from, Optional<Integer> to) implements Column {
      @Override
      public Optional<String> label() {
        return Optional.empty();
      }
    }
  }

  /**
   * A statement over each record.
   *
   * @param input absent: by the content type
   * @param headers absent: by the content type
   * @param output absent: by the input
   * @param rows most rows of an output; 0: all
   * @param duration span in µs of the records in an output; 0: no bound
   * @param labels computed label → column of the result
   */
  record Sql(
      Optional<DataFormat> input,
      Optional<Boolean> headers,
      ProtobufSource protobuf,
      String statement,
      Optional<DataFormat> output,
      long rows,
      long duration,
      Map<String, String> labels)
      implements SelectConfig {
    public Sql {
      labels = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    }

    /** Whether rows of several records go into one output, or those of one into several. */
    boolean groups() {
      return rows > 0 || duration > 0;
    }
  }

  /**
   * How Protobuf messages are read.
   *
   * @param messageName full name of the type; absent: by the attachment
   * @param schema a {@code FileDescriptorSet} in base64; absent: that of the attachment
   * @param fields column → number and type of a field, without a schema; empty: with one
   */
  record ProtobufSource(
      Optional<String> messageName, Optional<String> schema, Map<String, Field> fields) {
    public ProtobufSource {
      fields = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(fields));
    }

    /** A field of the outermost message. */
    record Field(int id, String type) {}
  }

  /**
   * Reads the parameters.
   *
   * @throws PannierException.Invalid naming what is wrong with them
   */
  static SelectConfig read(JsonNode parameters) {
    if (!parameters.isObject()) {
      throw invalid(
          "Parameters of 'select' must be an object, not "
              + parameters.getNodeType().toString().toLowerCase(java.util.Locale.ROOT));
    }
    if (!parameters.has("columns")) {
      return SqlParameters.read(parameters);
    }
    for (String other : List.of("sql", "export", "as_label", "parquet", "protobuf")) {
      if (parameters.has(other)) {
        throw invalid("'columns' cannot be combined with '" + other + "'");
      }
    }
    Optional<JsonNode> csv = object(parameters, "csv");
    boolean json = object(parameters, "json").isPresent();
    if (json && csv.isPresent()) {
      throw invalid("Only one input format can be specified");
    }
    boolean headers =
        csv.flatMap(options -> flag(options, "has_headers", "csv.has_headers")).orElse(false);
    JsonNode listed = parameters.get("columns");
    if (!listed.isArray() || listed.isEmpty()) {
      throw invalid("'columns' must be a list of at least one column");
    }
    var columns = new ArrayList<Column>();
    for (JsonNode element : listed) {
      columns.add(column(element, "columns[" + columns.size() + "]", json, headers));
    }
    return new Columns(json, headers, columns);
  }

  private static Column column(JsonNode element, String place, boolean json, boolean headers) {
    if (!element.isObject()) {
      throw invalid("'" + place + "' must be an object with 'index', 'name' or 'from' and 'to'");
    }
    Optional<Integer> index = place(element, "index", place);
    Optional<String> name = text(element, "name", place + ".name");
    Optional<Integer> from = place(element, "from", place);
    Optional<Integer> to = place(element, "to", place);
    Optional<String> label = text(element, "as_label", place + ".as_label");
    label.ifPresent(SelectConfig::checkLabel);
    boolean range = from.isPresent() || to.isPresent();
    int selectors = (index.isPresent() ? 1 : 0) + (name.isPresent() ? 1 : 0) + (range ? 1 : 0);
    if (selectors == 0) {
      throw invalid("'" + place + "' needs 'index', 'name' or a range of 'from' and 'to'");
    }
    if (selectors > 1) {
      throw invalid(
          "'" + place + "' can have only one of 'index', 'name' and a range of 'from' and 'to'");
    }
    if (json && name.isEmpty()) {
      throw invalid("'" + place + "' needs 'name': JSON has no columns with numbers");
    }
    if (index.isPresent()) {
      return new Column.At(index.get(), label);
    }
    if (name.isPresent()) {
      if (!json && !headers) {
        throw invalid("Column name '" + name.get() + "' requires csv.has_headers");
      }
      if (json && java.util.Arrays.asList(name.get().split("\\.", -1)).contains("")) {
        throw invalid(
            "'"
                + place
                + ".name' must be a path of names with dots between them, not '"
                + name.get()
                + "'");
      }
      return new Column.Named(name.get(), label);
    }
    if (label.isPresent()) {
      throw invalid("'" + place + ".as_label' cannot stand beside a range");
    }
    if (to.isPresent() && to.get() <= from.orElse(0)) {
      throw invalid(
          "'"
              + place
              + ".to' must be greater than 'from': it is the first column that is left out");
    }
    return new Column.Range(from.orElse(0), to);
  }

  /** Refuses names that no label can have. */
  static void checkLabel(String name) {
    if (name.isEmpty() || name.startsWith("@")) {
      throw invalid("'as_label' must name a label, without '@', not '" + name + "'");
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c <= ' ' || c >= 0x7F || c == '=' || c == ',' || c == '"') {
        throw invalid(
            "'as_label' must name a label: '"
                + name
                + "' has a character that label names cannot have");
      }
    }
  }

  /** A member that is an object; a missing one and null are absent. */
  static Optional<JsonNode> object(JsonNode parent, String name) {
    JsonNode member = parent.path(name);
    if (member.isMissingNode() || member.isNull()) {
      return Optional.empty();
    }
    if (!member.isObject()) {
      throw invalid("'" + name + "' must be an object");
    }
    return Optional.of(member);
  }

  /** A member that is a text. */
  static Optional<String> text(JsonNode parent, String name, String shown) {
    JsonNode member = parent.path(name);
    if (member.isMissingNode() || member.isNull()) {
      return Optional.empty();
    }
    if (!member.isTextual()) {
      throw invalid("'" + shown + "' must be a string");
    }
    return Optional.of(member.textValue());
  }

  /** A member that is true or false. */
  static Optional<Boolean> flag(JsonNode parent, String name, String shown) {
    JsonNode member = parent.path(name);
    if (member.isMissingNode() || member.isNull()) {
      return Optional.empty();
    }
    if (!member.isBoolean()) {
      throw invalid("'" + shown + "' must be true or false");
    }
    return Optional.of(member.booleanValue());
  }

  /** A member that is a whole number; of a fraction only zeros may be written. */
  static OptionalLong whole(JsonNode parent, String name, String shown) {
    JsonNode member = parent.path(name);
    if (member.isMissingNode() || member.isNull()) {
      return OptionalLong.empty();
    }
    if (!member.isNumber()
        || !member.canConvertToLong()
        || member.doubleValue() != Math.rint(member.doubleValue())) {
      throw invalid("'" + shown + "' must be a whole number");
    }
    return OptionalLong.of(member.longValue());
  }

  private static Optional<Integer> place(JsonNode element, String name, String place) {
    OptionalLong number = whole(element, name, place + "." + name);
    if (number.isEmpty()) {
      return Optional.empty();
    }
    if (number.getAsLong() < 0 || number.getAsLong() > COLUMN_MAX) {
      throw invalid("'" + place + "." + name + "' must be between 0 and " + COLUMN_MAX);
    }
    return Optional.of((int) number.getAsLong());
  }

  /** A refusal of the parameters. */
  static PannierException.Invalid invalid(String message) {
    return new PannierException.Invalid(message);
  }
}
