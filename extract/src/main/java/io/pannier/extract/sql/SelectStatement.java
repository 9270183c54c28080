package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * One SELECT as DuckDB's own parser understands it ({@code json_serialize_sql}), checked before it
 * is run: it reads from {@code ENTRY()}, from subqueries and from values it makes itself, and from
 * nothing else. What is not known to be harmless is refused.
 */
final class SelectStatement {
  /** The table that stands for {@code ENTRY()}. */
  static final String TABLE = "entry";

  /** Name of the column that tells which row of the table a row of the result came from. */
  static final String ROW = "__row";

  private static final Set<String> TABLE_FUNCTIONS = Set.of("unnest", "generate_series", "range");

  private static final Set<String> SOURCES =
      Set.of("BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST");

  private static final Set<String> NODES = Set.of("SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE");

  /** Functions that tell of the engine, not of the data. */
  private static final Set<String> REFUSED_FUNCTIONS =
      Set.of(
          "current_setting",
          "getenv",
          "getvariable",
          "nextval",
          "currval",
          "write_log",
          "current_catalog",
          "current_database",
          "current_schema",
          "current_schemas",
          "json_execute_serialized_sql");

  private final ObjectNode tree;
  private final Set<String> named = new HashSet<>();

  private SelectStatement(ObjectNode tree) {
    this.tree = tree;
  }

  /**
   * Checks a statement and puts the table in the place of {@code ENTRY()}.
   *
   * @param serialized what the parser says of it
   */
  static SelectStatement check(JsonNode serialized, String text) throws EngineException {
    if (serialized.path("error").asBoolean()) {
      String type = serialized.path("error_type").asText();
      String message = serialized.path("error_message").asText();
      throw refused(
          type.equals("not implemented") ? "only one SELECT statement is allowed" : message);
    }
    JsonNode statements = serialized.path("statements");
    if (statements.size() != 1 || !(serialized instanceof ObjectNode tree)) {
      throw refused("only one SELECT statement is allowed");
    }
    if (text.getBytes(StandardCharsets.UTF_8).length == 0) {
      throw refused("the statement is empty");
    }
    var statement = new SelectStatement(tree);
    statement.collectNames(statements);
    statement.check(statements, 0);
    return statement;
  }

  /** The statement over the table, as a tree. */
  ObjectNode tree() {
    return tree;
  }

  /**
   * The statement with one column more, the number of the row of the table, if each row of its
   * result can be one of the table and says so; otherwise empty.
   */
  Optional<ObjectNode> withRow() {
    ObjectNode copy = tree.deepCopy();
    JsonNode node = copy.path("statements").path(0).path("node");
    if (!isPlain(node) || !(node.path("select_list") instanceof ArrayNode list)) {
      return Optional.empty();
    }
    ObjectNode row = list.addObject();
    row.put("class", "COLUMN_REF")
        .put("type", "COLUMN_REF")
        .put("alias", ROW)
        .put("query_location", 0);
    row.putArray("column_names").add("rowid");
    return Optional.of(copy);
  }

  /**
   * For each column of the result which column of the table it shows unchanged, or -1. Only for
   * statements with {@link #withRow}.
   *
   * @param columns names of the table's columns
   */
  List<Integer> origins(List<String> columns) {
    var origins = new ArrayList<Integer>();
    JsonNode node = tree.path("statements").path(0).path("node");
    String alias = lower(node.path("from_table").path("alias").asText());
    String table = alias.isEmpty() ? TABLE : alias;
    for (JsonNode selected : node.path("select_list")) {
      switch (selected.path("class").asText()) {
        case "STAR" -> {
          var left = new HashSet<String>();
          selected
              .path("exclude_list")
              .forEach(name ->
                  left.add(lower(name.isTextual() ? name.asText() : name.path("column").asText())));
          for (int i = 0; i < columns.size(); i++) {
            if (!left.contains(lower(columns.get(i)))) {
              origins.add(i);
            }
          }
        }
        case "COLUMN_REF" -> {
          JsonNode names = selected.path("column_names");
          String last = lower(names.path(names.size() - 1).asText());
          boolean ofTable =
              names.size() == 1
                  || (names.size() == 2 && lower(names.path(0).asText()).equals(table));
          int origin = -1;
          for (int i = 0; i < columns.size() && ofTable; i++) {
            if (lower(columns.get(i)).equals(last)) {
              origin = i;
              break;
            }
          }
          origins.add(origin);
        }
        default -> origins.add(-1);
      }
    }
    return origins;
  }

  /** Whether it only picks columns and rows of the table. */
  private static boolean isPlain(JsonNode node) {
    if (!node.path("type").asText().equals("SELECT_NODE")
        || !node.path("from_table").path("type").asText().equals("BASE_TABLE")
        || !node.path("group_expressions").isEmpty()
        || !node.path("having").isNull()
        || !node.path("qualify").isNull()
        || !node.path("cte_map").path("map").isEmpty()) {
      return false;
    }
    for (JsonNode modifier : node.path("modifiers")) {
      if (modifier.path("type").asText().equals("DISTINCT_MODIFIER")) {
        return false;
      }
    }
    for (JsonNode selected : node.path("select_list")) {
      if (selected.path("class").asText().equals("STAR")
          && (selected.path("columns").asBoolean()
              || !selected.path("replace_list").isEmpty()
              || !selected.path("rename_list").isEmpty()
              || !selected.path("qualified_exclude_list").isEmpty()
              || !selected.path("expr").isNull())) {
        return false;
      }
    }
    return true;
  }

  /** Names that common table expressions give to subqueries. */
  private void collectNames(JsonNode node) {
    if (node.isObject()) {
      for (JsonNode entry : node.path("cte_map").path("map")) {
        named.add(lower(entry.path("key").asText()));
      }
      if (node.has("cte_name")) {
        named.add(lower(node.path("cte_name").asText()));
      }
    }
    node.forEach(this::collectNames);
  }

  private void check(JsonNode node, int depth) throws EngineException {
    if (depth > 500) {
      throw refused("the statement is nested too deeply");
    }
    if (node instanceof ObjectNode object) {
      String type = object.path("type").asText();
      if (type.endsWith("_NODE") && !NODES.contains(type)) {
        throw refused("recursive subqueries are not allowed");
      }
      if (isSource(object)) {
        checkSource(object, type);
      }
      if (object.path("class").asText().equals("FUNCTION")
          && REFUSED_FUNCTIONS.contains(lower(object.path("function_name").asText()))) {
        throw refused("function '" + object.path("function_name").asText() + "' is not allowed");
      }
      if (object.path("class").asText().equals("PARAMETER")) {
        throw refused("parameters are not allowed");
      }
    }
    for (JsonNode member : node) {
      check(member, depth + 1);
    }
  }

  /** Only what rows come from has this member. */
  private static boolean isSource(ObjectNode node) {
    return node.has("sample")
        && node.has("alias")
        && node.has("query_location")
        && !node.has("class");
  }

  private void checkSource(ObjectNode source, String type) throws EngineException {
    if (!SOURCES.contains(type)) {
      throw refused("a source of the kind " + type + " is not allowed");
    }
    if (type.equals("BASE_TABLE")) {
      String name = source.path("table_name").asText();
      if (!named.contains(lower(name))
          || !source.path("schema_name").asText().isEmpty()
          || !source.path("catalog_name").asText().isEmpty()) {
        throw refused("table '" + name + "' does not exist; the record is the table ENTRY()");
      }
    }
    if (type.equals("TABLE_FUNCTION")) {
      JsonNode function = source.path("function");
      String name = lower(function.path("function_name").asText());
      if (name.equals(TABLE) && function.path("schema").asText().isEmpty()) {
        if (!function.path("children").isEmpty()) {
          throw refused("ENTRY() takes no arguments");
        }
        becomeTable(source);
      } else if (!TABLE_FUNCTIONS.contains(name)) {
        throw refused(
            "table function '" + name + "' is not allowed; the record is the table ENTRY()");
      }
    }
  }

  private static void becomeTable(ObjectNode source) {
    source.put("type", "BASE_TABLE");
    source.remove(List.of("function", "with_ordinality"));
    source.put("schema_name", "main");
    source.put("table_name", TABLE);
    source.put("catalog_name", "");
    source.putNull("at_clause");
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  private static EngineException refused(String message) {
    return new EngineException(Reply.Fault.STATEMENT, message);
  }
}
