package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Policies over HTTP (http-api.md §18): what they look like, and what is refused. */
class LifecycleRoutesTest extends ApiFixture {
  private Wire.Answer create(String name, String json) throws IOException {
    return send("POST", "lifecycles/" + name, body(json));
  }

  private String body(String json) {
    return json.replace('\'', '"').replace("BUCKET", bucket);
  }

  private static final String DELETE = "{'type':'delete','bucket':'BUCKET','older_than':'1d'}";

  @Test
  void aPolicyIsCreatedShownAndRemoved() throws IOException {
    assertThat(send("GET", "lifecycles").text()).isEqualTo("{\"lifecycles\":[]}");
    assertThat(create("trim", DELETE).summary()).isEqualTo("200 (no error)");
    String info =
        "{\"name\":\"trim\",\"is_provisioned\":false,\"is_running\":true,\"type\":\"delete\",\"mode\":\"enabled\",\"last_run\":null}";
    assertThat(send("GET", "lifecycles").text()).isEqualTo("{\"lifecycles\":[" + info + "]}");
    assertThat(send("GET", "lifecycles/trim").text())
        .isEqualTo(
            "{\"info\":"
                + info
                + ",\"settings\":{\"type\":\"delete\",\"bucket\":\""
                + bucket
                + "\",\"entries\":[],\"older_than\":\"1d\",\"interval\":\"3600s\",\"when\":null,\"processing_interval\":null,\"mode\":\"enabled\"}}");
    assertThat(send("HEAD", "lifecycles/trim").status()).isEqualTo(200);
    assertThat(send("DELETE", "lifecycles/trim").summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", "lifecycles/trim").summary())
        .isEqualTo("404 Lifecycle 'trim' does not exist");
  }

  @Test
  void settingsAreGivenBackAsTheyCame() throws IOException {
    create(
        "p",
        "{'mode':'dry_run','when':{'&a':{'$gt':1}},'type':'delete','processing_interval':'1d 2h','interval':'10m','bucket':'BUCKET','older_than':'1h','entries':['a','!b/*']}");
    assertThat(send("GET", "lifecycles/p").text())
        .endsWith(
            body(
                "'settings':{'type':'delete','bucket':'BUCKET','entries':['a','!b/*'],'older_than':'1h','interval':'10m','when':{'&a':{'$gt':1}},'processing_interval':'1d 2h','mode':'dry_run'}}"));
  }

  @Test
  void missingMembersAndNullsAreTheSame() throws IOException {
    assertThat(
            create(
                    "p",
                    "{'type':'delete','bucket':'BUCKET','older_than':'1h','interval':null,'processing_interval':null,'entries':null,'when':null,'mode':null}")
                .status())
        .isEqualTo(200);
    assertThat(send("GET", "lifecycles/p").text())
        .contains("\"entries\":[]", "\"interval\":\"3600s\"", "\"mode\":\"enabled\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'older_than':'xx'|Invalid lifecycle older_than 'xx': Invalid duration value: xx",
        "'older_than':'5'|Invalid lifecycle older_than '5': Invalid duration unit: ",
        "'older_than':''|Invalid lifecycle older_than '': Duration literal cannot be empty",
        "'older_than':'1.5h'|Invalid lifecycle older_than '1.5h': Invalid duration value: 1.5h",
        "'older_than':'99999999999999d'|Invalid lifecycle older_than '99999999999999d': Invalid duration value: 99999999999999d",
        "'older_than':'1s'|Lifecycle older_than '1s' is shorter than minimum allowed value of 1h",
        "'older_than':'-2h'|Lifecycle older_than '-2h' is shorter than minimum allowed value of 1h",
        "'older_than':'59m 59s'|Lifecycle older_than '59m 59s' is shorter than minimum allowed value of 1h",
        "'older_than':'1h','interval':'xx'|Invalid lifecycle interval 'xx': Invalid duration value: xx",
        "'older_than':'1h','interval':'1s'|Lifecycle interval '1s' is shorter than minimum allowed value of 10m",
        "'older_than':'1h','processing_interval':'x'|Invalid lifecycle processing_interval 'x': Invalid duration value: x",
        "'older_than':'1h','processing_interval':'0s'|Lifecycle processing_interval '0s' must be positive",
        "'older_than':'1h','processing_interval':'-5s'|Lifecycle processing_interval '-5s' must be positive",
        "'older_than':'1h','when':{'$foo':1}|Invalid lifecycle condition: Operator '$foo' not supported",
        "'older_than':'1h','when':{'#ext':{'a':1}}|Lifecycle condition cannot use '#ext' directive",
      })
  void settingsThatMakeNoSenseAreRefused(String members, String error) throws IOException {
    String json = "{'type':'delete','bucket':'BUCKET'," + members + "}";
    assertThat(create("p", json).summary().strip()).isEqualTo("422 " + error.strip());
    assertThat(send("GET", "lifecycles/p").status()).isEqualTo(404);
    create("q", DELETE);
    assertThat(send("PUT", "lifecycles/q", body(json)).summary().strip())
        .isEqualTo("422 " + error.strip());
    assertThat(send("GET", "lifecycles/q").text()).contains("\"older_than\":\"1d\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      value = {
        "{'bucket':'b','older_than':'1h'}|missing field `type`",
        "{'type':'delete','older_than':'1h'}|missing field `bucket`",
        "{'type':'delete','bucket':'b'}|missing field `older_than`",
        "{'type':'Delete','bucket':'b','older_than':'1h'}|unknown variant `Delete`, expected `delete` or `compress`",
        "{'type':'delete','bucket':'b','older_than':'1h','mode':'on'}|unknown variant `on`, expected one of `enabled`, `disabled`, `dry_run`",
      })
  void malformedJsonIsTold(String json, String error) throws IOException {
    assertThat(create("p", json).summary()).isEqualTo("422 Invalid JSON: " + error);
  }

  @Test
  void whatIsMissingOrThereAlreadyIsTold() throws IOException {
    assertThat(create("p", "{'type':'delete','bucket':'nope','older_than':'1s'}").summary())
        .isEqualTo("404 Bucket 'nope' for lifecycle 'p' does not exist");
    create("p", DELETE);
    assertThat(create("p", "{'type':'delete','bucket':'nope','older_than':'1s'}").summary())
        .isEqualTo("409 Lifecycle 'p' already exists");
    assertThat(send("PUT", "lifecycles/q", body(DELETE)).summary())
        .isEqualTo("404 Lifecycle 'q' does not exist");
    assertThat(send("PUT", "lifecycles/q", "{}").summary())
        .isEqualTo("422 Invalid JSON: missing field `type`");
    assertThat(send("DELETE", "lifecycles/q").summary())
        .isEqualTo("404 Lifecycle 'q' does not exist");
    assertThat(send("PATCH", "lifecycles/q/mode", "{\"mode\":\"disabled\"}").summary())
        .isEqualTo("404 Lifecycle 'q' does not exist");
    assertThat(send("PATCH", "lifecycles/p/mode", "{\"mode\":\"on\"}").summary())
        .isEqualTo(
            "422 Invalid JSON: unknown variant `on`, expected one of `enabled`, `disabled`, `dry_run`");
    assertThat(send("PATCH", "lifecycles/p/mode", "{}").summary())
        .isEqualTo("422 Invalid JSON: missing field `mode`");
    assertThat(send("PATCH", "lifecycles/p/mode", "{\"mode\":\"disabled\"}").status())
        .isEqualTo(200);
    assertThat(send("GET", "lifecycles/p").text())
        .contains("\"is_running\":true,\"type\":\"delete\",\"mode\":\"disabled\"");
    assertThat(send("GET", "lifecycles/p/mode").status()).isEqualTo(405);
  }

  @Test
  void namesThatNobodyCouldReadAreRefused() throws IOException {
    for (String name : new String[] {"%20", "..", "a%0ab"}) {
      assertThat(create(name, DELETE).summary())
          .isEqualTo("422 Lifecycle name must be 1 to 255 printable characters");
    }
    assertThat(create("two%20words", DELETE).status()).isEqualTo(200);
    assertThat(send("GET", "lifecycles/two%20words").status()).isEqualTo(200);
  }
}
