package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Operator;
import io.pannier.query.when.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * Parameters of older versions of the API, which said with single words what {@code when} says now.
 * Old clients still send them, and a removal that ignored one would remove more than was asked for:
 * so they become part of the condition, behind what it says itself.
 *
 * @param include records must have all these labels with these texts
 * @param exclude records must not have all these labels with these texts
 * @param eachSeconds time between two records
 * @param eachN every n-th record
 * @param limit number of records
 */
public record OldParameters(
    Map<String, String> include,
    Map<String, String> exclude,
    OptionalDouble eachSeconds,
    OptionalLong eachN,
    OptionalLong limit) {

  /** Reads the members of a query's body. */
  static OldParameters of(ObjectNode body) {
    return new OldParameters(
        labels(body, "include"),
        labels(body, "exclude"),
        Json.number(body, "each_s"),
        Json.unsigned(body, "each_n"),
        Json.unsigned(body, "limit"));
  }

  private static Map<String, String> labels(ObjectNode body, String name) {
    JsonNode given = body.get(name);
    if (given == null || given.isNull()) {
      return Map.of();
    }
    if (!(given instanceof ObjectNode object)) {
      throw Json.invalid("'" + name + "' must be an object of labels");
    }
    var labels = new LinkedHashMap<String, String>();
    for (var member : object.properties()) {
      if (!member.getValue().isTextual()) {
        throw Json.invalid("'" + name + "' must hold labels with texts only");
      }
      labels.put(member.getKey(), member.getValue().textValue());
    }
    return labels;
  }

  /** The condition of the query with these parameters in it; absent if there is neither. */
  public Optional<Condition> addTo(Optional<Condition> when) {
    if (include.isEmpty()
        && exclude.isEmpty()
        && eachSeconds.isEmpty()
        && eachN.isEmpty()
        && limit.isEmpty()) {
      return when;
    }
    var members = new ArrayList<Expression>();
    if (!include.isEmpty()) {
      members.add(hasAll(include));
    }
    if (!exclude.isEmpty()) {
      members.add(Expression.Call.of(Operator.NOT, hasAll(exclude)));
    }
    Condition condition = when.orElse(Condition.ALL).and(members);
    if (eachSeconds.isPresent()) {
      condition = condition.andStateful(Operator.EACH_T, new Value.Real(eachSeconds.getAsDouble()));
    }
    if (eachN.isPresent()) {
      condition = condition.andStateful(Operator.EACH_N, whole(eachN));
    }
    if (limit.isPresent()) {
      condition = condition.andStateful(Operator.LIMIT, whole(limit));
    }
    return Optional.of(condition);
  }

  private static Value whole(OptionalLong unsigned) {
    long number = unsigned.getAsLong();
    return new Value.Int(number < 0 ? Long.MAX_VALUE : number);
  }

  /** Compares stored texts: {@code 07} is not {@code 7} there. */
  private static Expression hasAll(Map<String, String> labels) {
    var tests = new ArrayList<Expression>();
    labels.forEach((name, text) -> {
      tests.add(Expression.Call.of(Operator.EXISTS, Expression.text(name)));
      tests.add(
          Expression.Call.of(
              Operator.EQ,
              Expression.Call.of(Operator.TEXT, new Expression.Label(name)),
              Expression.text(text)));
    });
    return new Expression.Call(Operator.AND, List.copyOf(tests), -1);
  }
}
