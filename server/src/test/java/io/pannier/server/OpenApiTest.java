package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The description of the API is there for everybody, and says what the table of routes says. */
class OpenApiTest extends ApiFixture {
  private static final Set<String> METHODS =
      Set.of("get", "head", "post", "put", "patch", "delete");

  private JsonNode document() throws IOException {
    Wire.Answer answer = send(request("GET", "openapi.json").withoutToken());
    assertThat(answer.summary()).isEqualTo("200 (no error)");
    assertThat(answer.header("content-type")).contains("application/json");
    return new ObjectMapper().readTree(answer.body());
  }

  @Test
  void everyRouteIsDescribedAndNothingElse() throws Exception {
    var described = new TreeSet<String>();
    document()
        .path("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .fieldNames()
                .forEachRemaining(method -> {
                  if (METHODS.contains(method)) {
                    described.add(method.toUpperCase(Locale.ROOT) + " " + shape(path.getKey()));
                  }
                }));
    var routes = new TreeSet<String>();
    new Routes(server.context())
        .table()
        .forEach((pattern, methods) -> methods.forEach(m -> routes.add(m + " " + shape(pattern))));
    assertThat(described).isEqualTo(routes);

    var patterns = new TreeSet<String>();
    new Routes(server.context())
        .table()
        .forEach((pattern, methods) -> methods.forEach(m -> patterns.add(m + " " + pattern)));
    assertThat(patterns)
        .as("descriptions of what is no route")
        .containsAll(ApiDocument.described());
  }

  private static String shape(String path) {
    return path.replaceAll("\\{[^}]*}|\\*\\*?", "_").replaceFirst("^/", "");
  }

  @Test
  void whoMayCallIsToldAsTheTableHasIt() throws Exception {
    JsonNode paths = document().path("paths");
    assertThat(paths.at("/~1alive/get/security").isEmpty()).isTrue();
    assertThat(paths.at("/~1alive/get/responses").has("401")).isFalse();
    assertThat(paths.at("/~1info/get/security/0").has("token")).isTrue();
    assertThat(paths.at("/~1info/get/responses").has("401")).isTrue();
    assertThat(paths.at("/~1info/get/responses").has("403")).isFalse();
    assertThat(paths.at("/~1tokens/get/responses").has("403")).isTrue();
  }

  @Test
  void everyReferenceLeadsSomewhere() throws Exception {
    JsonNode document = document();
    var broken = new ArrayList<String>();
    for (JsonNode reference : document.findValues("$ref")) {
      if (document.at(reference.textValue().substring(1)).isMissingNode()) {
        broken.add(reference.textValue());
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  void itIsTheSameTheSecondTimeAndHasAHead() throws Exception {
    Wire.Answer first = send("GET", "openapi.json");
    Wire.Answer second = send("GET", "openapi.json");
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(send("HEAD", "openapi.json").header("content-length"))
        .contains(Integer.toString(first.body().length));
    assertThat(send("DELETE", "openapi.json").status()).isEqualTo(405);
  }

  /** The same below a path of its own. */
  @Nested
  class BelowAPath extends ApiFixture {
    @Override
    ServerConfig configure(ServerConfig usual) {
      return usual.withBasePath("/pre/fix/");
    }

    @Test
    void itIsServedThereAndSaysSo() throws Exception {
      Wire.Answer answer = send("GET", "/pre/fix/api/v1/openapi.json");
      assertThat(answer.status()).isEqualTo(200);
      assertThat(new ObjectMapper().readTree(answer.body()).at("/servers/0/url").textValue())
          .isEqualTo("/pre/fix/api/v1");
      assertThat(send("GET", "/api/v1/openapi.json").status()).isEqualTo(404);
    }
  }
}
