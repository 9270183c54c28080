package io.pannier.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.server.access.Access;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The API as an OpenAPI 3.1 document. What there is comes from the table of routes; what it is for
 * comes from {@code openapi.json} beside this class, by method and pattern. A route that is not
 * described there fails under assertions as soon as it is put into the table, so in every test.
 *
 * <p>OpenAPI has no way to say that a header's name follows a pattern ({@code x-reduct-time-*}).
 * Such headers stand in {@code x-patterned-headers} of operations and answers, which refer to
 * {@code components/x-patterned-headers}: name pattern, schema, example.
 */
final class ApiDocument {
  private static final String COMPONENTS = "#/components/";

  /** A row of the table with one of its methods. */
  record Route(String method, String pattern, Access access) {}

  /** The descriptions, read when they are needed first; under assertions, at the start. */
  private static final class Source {
    static final ObjectNode JSON = read();

    private static ObjectNode read() {
      try (InputStream in =
          Objects.requireNonNull(ApiDocument.class.getResourceAsStream("openapi.json"))) {
        return (ObjectNode) new JsonMapper().readTree(in);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final ObjectNode source;
  private final ObjectNode document = new JsonMapper().createObjectNode();

  private ApiDocument(ObjectNode source) {
    this.source = source;
  }

  /** Whether a route is described; {@code HEAD} may go with the description of {@code GET}. */
  static boolean describes(String method, String pattern) {
    return operation(Source.JSON, method, pattern) != null;
  }

  private static @Nullable JsonNode operation(ObjectNode source, String method, String pattern) {
    JsonNode operations = source.path("operations");
    JsonNode own = operations.get(method + " " + pattern);
    return own == null && method.equals("HEAD") ? operations.get("GET " + pattern) : own;
  }

  /** Method and pattern of everything that is described. */
  static List<String> described() {
    var names = new ArrayList<String>();
    Source.JSON.path("operations").fieldNames().forEachRemaining(names::add);
    return names;
  }

  /**
   * Writes the document.
   *
   * @param base path below which the API is served, with a slash at both ends
   */
  static byte[] write(List<Route> routes, String base) {
    return new ApiDocument(Source.JSON)
        .make(routes, base)
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  private ObjectNode make(List<Route> routes, String base) {
    document.put("openapi", "3.1.0");
    document
        .putObject("info")
        .put("title", "Pannier")
        .put("summary", "The HTTP API of ReductStore, and what Pannier adds to it")
        .put("version", ServerRoutes.API_VERSION)
        .put("description", source.path("description").textValue())
        .putObject("license")
        .put("name", "Apache-2.0")
        .put("identifier", "Apache-2.0");
    document.putArray("servers").addObject().put("url", base + "api/v1");
    var tags = document.putArray("tags");
    source
        .path("tags")
        .properties()
        .forEach(tag ->
            tags.addObject()
                .put("name", tag.getKey())
                .put("description", tag.getValue().textValue()));
    var rows = new TreeMap<String, TreeMap<String, Route>>();
    for (Route route : routes) {
      rows.computeIfAbsent(route.pattern(), pattern -> new TreeMap<>()).put(route.method(), route);
    }
    ObjectNode paths = document.putObject("paths");
    rows.forEach((pattern, methods) -> writePath(paths, pattern, methods, base));
    writeComponents();
    return document;
  }

  // ---------------------------------------------------------------- paths

  private void writePath(
      ObjectNode paths, String pattern, Map<String, Route> methods, String base) {
    JsonNode names = source.path("paths").path(pattern);
    var template = new StringBuilder();
    var parameters = document.arrayNode();
    var next = names.properties().iterator();
    for (String part : pattern.split("/", -1)) {
      template.append('/');
      if (part.startsWith("*")) {
        var name = next.next();
        template.append('{').append(name.getKey()).append('}');
        ObjectNode parameter = parameters.addObject();
        parameter.put("name", name.getKey()).put("required", true);
        parameter.setAll((ObjectNode) source.path("parameters").path(name.getValue().textValue()));
      } else {
        template.append(part);
      }
    }
    ObjectNode path = paths.putObject(template.toString());
    if (pattern.equals(Routes.METRICS)) {
      // Where scrapers look for them, not below the API.
      path.putArray("servers")
          .addObject()
          .put("url", base.length() == 1 ? base : base.substring(0, base.length() - 1));
    }
    if (!parameters.isEmpty()) {
      path.set("parameters", parameters);
    }
    methods.forEach(
        (method, route) -> writeOperation(path.putObject(method.toLowerCase(Locale.ROOT)), route));
  }

  private void writeOperation(ObjectNode out, Route route) {
    JsonNode described = operation(source, route.method(), route.pattern());
    if (described == null) {
      throw new IllegalStateException("not described: " + route);
    }
    boolean isHead = route.method().equals("HEAD");
    boolean isBorrowed = isHead && !source.path("operations").has("HEAD " + route.pattern());
    String id = described.path("id").textValue();
    out.put("operationId", isBorrowed ? id + "Head" : id);
    out.putArray("tags").add(described.path("tag").textValue());
    String summary = described.path("summary").textValue();
    out.put("summary", isBorrowed ? summary + " (headers only)" : summary);
    if (described.has("description")) {
      out.set("description", described.get("description"));
    }
    if (described.path("deprecated").booleanValue()) {
      out.put("deprecated", true);
    }
    if (described.has("parameters")) {
      var parameters = out.putArray("parameters");
      described
          .get("parameters")
          .forEach(name ->
              parameters.addObject().put("$ref", COMPONENTS + "parameters/" + name.textValue()));
    }
    writePatterns(out, described);
    if (described.has("body")) {
      out.putObject("requestBody")
          .put("$ref", COMPONENTS + "requestBodies/" + described.path("body").textValue());
    }
    out.putArray("security");
    if (route.access() != Access.NONE) {
      out.withArray("security").addObject().putArray("token");
    }
    writeAnswers(out.putObject("responses"), described, route.access(), isHead);
  }

  private void writePatterns(ObjectNode out, JsonNode described) {
    if (described.has("patterns")) {
      var patterns = out.putArray("x-patterned-headers");
      described
          .get("patterns")
          .forEach(name ->
              patterns
                  .addObject()
                  .put("$ref", COMPONENTS + "x-patterned-headers/" + name.textValue()));
    }
  }

  /** What the route says, and what every route says that is like it. */
  private void writeAnswers(ObjectNode out, JsonNode described, Access access, boolean isHead) {
    var answers = new TreeMap<String, String>();
    add(answers, "always");
    if (described.has("body")) {
      add(answers, "withBody");
    }
    if (access != Access.NONE) {
      add(answers, "withToken");
    }
    if (access != Access.NONE && access != Access.TOKEN) {
      add(answers, "withRight");
    }
    if (described.path("body").asText().equals("Query")) {
      add(answers, "withRight");
    }
    described
        .path("answers")
        .properties()
        .forEach(answer -> answers.put(answer.getKey(), answer.getValue().textValue()));
    answers.forEach((status, answer) -> {
      ObjectNode one = out.putObject(status);
      boolean isNamed = answer.startsWith("=");
      if (isHead) {
        writeAnswer(
            one, isNamed ? source.path("answers").path(answer.substring(1)) : error(answer), false);
      } else if (isNamed) {
        one.put("$ref", COMPONENTS + "responses/" + answer.substring(1));
      } else {
        one.put("$ref", COMPONENTS + "responses/Error").put("description", answer);
      }
    });
  }

  private void add(Map<String, String> answers, String group) {
    source
        .path(group)
        .properties()
        .forEach(answer -> answers.put(answer.getKey(), answer.getValue().textValue()));
  }

  // ---------------------------------------------------------------- components

  private void writeComponents() {
    ObjectNode components = document.putObject("components");
    components.set("schemas", source.path("schemas"));
    components.set("requestBodies", source.path("bodies"));
    components.set("headers", source.path("headers"));
    ObjectNode parameters = components.putObject("parameters");
    source
        .path("parameters")
        .properties()
        .forEach(parameter -> {
          // Those of paths stand with their paths, because the name depends on the path.
          if (parameter.getValue().has("name")) {
            parameters.set(parameter.getKey(), parameter.getValue());
          }
        });
    ObjectNode answers = components.putObject("responses");
    writeAnswer(answers.putObject("Error"), error("What went wrong"), true);
    source
        .path("answers")
        .properties()
        .forEach(
            answer -> writeAnswer(answers.putObject(answer.getKey()), answer.getValue(), true));
    components.set("x-patterned-headers", source.path("patterns"));
    components
        .putObject("securitySchemes")
        .putObject("token")
        .put("type", "http")
        .put("scheme", "bearer")
        .put("description", "The value of a token. Not looked at where authentication is off.");
  }

  /** An error as {@link #writeAnswer} knows it. */
  private ObjectNode error(String description) {
    return document.objectNode().put("description", description).put("error", true);
  }

  private void writeAnswer(ObjectNode out, JsonNode answer, boolean withContent) {
    out.set("description", answer.path("description"));
    ObjectNode headers = out.putObject("headers");
    header(headers, "server", "Server");
    header(headers, "x-reduct-api", "Api");
    boolean isError = answer.path("error").booleanValue();
    if (isError) {
      header(headers, "x-reduct-error", "Error");
    }
    answer
        .path("headers")
        .properties()
        .forEach(header -> header(headers, header.getKey(), header.getValue().textValue()));
    writePatterns(out, answer);
    if (!withContent) {
      return;
    }
    if (isError) {
      out.putObject("content")
          .putObject("application/json")
          .putObject("schema")
          .put("$ref", COMPONENTS + "schemas/Error");
    } else if (answer.has("json")) {
      out.putObject("content").putObject("application/json").set("schema", answer.get("json"));
    } else if (answer.path("bytes").booleanValue()) {
      out.putObject("content").putObject("*/*").putObject("schema");
    }
  }

  private static void header(ObjectNode headers, String name, String component) {
    headers.putObject(name).put("$ref", COMPONENTS + "headers/" + component);
  }
}
