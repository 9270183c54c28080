package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a query asks of extensions: directive {@code #ext}, or the older member {@code ext}, as a
 * row of steps. Texts of errors are the reference's.
 *
 * @param steps one object each, whose members are to be an extension and perhaps {@code when}
 * @param in how errors end: the name of the query
 */
record PipelineRequest(List<ObjectNode> steps, String in) {
  /** Most steps behind each other. */
  static final int STEPS_MAX = 16;

  static final String WHEN = "when";

  /**
   * Finds it.
   *
   * @param body the request; null where it has none
   * @param id of the query, for texts
   * @return empty when the query is a plain one
   */
  static Optional<PipelineRequest> of(QueryOptions options, @Nullable ObjectNode body, long id) {
    String in = " in query id=" + Long.toUnsignedString(id);
    JsonNode directive = options.condition().ext().orElse(null);
    JsonNode asked = directive == null && body != null ? body.get("ext") : directive;
    if (asked == null || asked.isNull()) {
      return Optional.empty();
    }
    JsonNode ext = directive == null ? asked : directive(asked, in);
    List<ObjectNode> steps = steps(ext, directive != null, in);
    if (steps.size() > STEPS_MAX) {
      throw new PannierException.Invalid(
          "Too many '#ext' pipeline steps: at most " + STEPS_MAX + " are supported" + in);
    }
    return Optional.of(new PipelineRequest(steps, in));
  }

  /** The value of the directive: a text is read as JSON, and one element stands for itself. */
  private static JsonNode directive(JsonNode value, String in) {
    if (!value.isArray()) {
      return read(value, in);
    }
    if (value.size() == 1) {
      return read(value.get(0), in);
    }
    var all = value.<com.fasterxml.jackson.databind.node.ArrayNode>deepCopy();
    for (int i = 0; i < all.size(); i++) {
      all.set(i, read(all.get(i), in));
    }
    return all;
  }

  private static JsonNode read(JsonNode value, String in) {
    if (!value.isTextual()) {
      return value;
    }
    String text = value.textValue();
    String detail;
    try {
      return Json.parse(text.getBytes(StandardCharsets.UTF_8));
    } catch (PannierException.Invalid e) {
      detail = String.valueOf(e.getMessage()).replace("Invalid JSON: ", "");
    }
    // As the reference's parser has it where nothing begins.
    String start = text.stripLeading();
    if (!start.isEmpty() && "{[\"-0123456789tfn".indexOf(start.charAt(0)) < 0) {
      detail = "expected value at line 1 column " + (1 + text.length() - start.length());
    }
    throw new PannierException.Invalid(
        "Directive '#ext' must be a JSON object or an array of JSON objects"
            + in
            + ": "
            + ErrorTexts.shortened(detail));
  }

  private static List<ObjectNode> steps(JsonNode ext, boolean isDirective, String in) {
    if (ext instanceof ObjectNode one) {
      return ofObject(one);
    }
    if (!ext.isArray() || (isDirective && ext.isEmpty())) {
      throw new PannierException.Invalid(
          "Extension parameters must be a JSON object or an array of JSON objects" + in);
    }
    var steps = new ArrayList<ObjectNode>();
    for (JsonNode step : ext) {
      if (!(step instanceof ObjectNode one)) {
        throw new PannierException.Invalid("Each '#ext' pipeline step must be a JSON object" + in);
      }
      steps.add(one);
    }
    if (steps.isEmpty()) {
      throw new PannierException.Invalid("Extension name is not found" + in);
    }
    return steps;
  }

  /** Several extensions without a condition are a step each. */
  private static List<ObjectNode> ofObject(ObjectNode one) {
    if (one.size() < 2 || one.has(WHEN)) {
      return List.of(one);
    }
    var steps = new ArrayList<ObjectNode>();
    for (Map.Entry<String, JsonNode> member : one.properties()) {
      ObjectNode step = one.objectNode();
      step.set(member.getKey(), member.getValue());
      steps.add(step);
    }
    return steps;
  }

  /** The condition of a step; absent where everything passes. */
  Optional<StepFilter> filter(int step) {
    return Optional.ofNullable(steps.get(step).get(WHEN)).map(StepFilter::parse);
  }

  /** Name and parameters of the extension of a step. */
  Map.Entry<String, JsonNode> extension(int step) {
    Map.Entry<String, JsonNode> found = null;
    for (Map.Entry<String, JsonNode> member : steps.get(step).properties()) {
      if (member.getKey().equals(WHEN)) {
        continue;
      }
      if (found != null) {
        throw new PannierException.Invalid(
            (steps.size() == 1
                    ? "Multiple extensions are not supported"
                    : "Each '#ext' pipeline step must contain exactly one extension")
                + in);
      }
      found = member;
    }
    if (found == null) {
      throw new PannierException.Invalid("Extension name is not found" + in);
    }
    return found;
  }

  /** The error of a name that no extension has. */
  PannierException.Invalid unknown(int step, String name) {
    return new PannierException.Invalid(
        "Unknown extension '"
            + ErrorTexts.shortened(name)
            + "'"
            + in
            + (steps.size() == 1 ? "" : " at step " + step));
  }
}
