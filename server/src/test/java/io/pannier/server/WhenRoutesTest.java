package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.query.Json;
import io.pannier.query.WhenVectors;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conditions through the door that clients use (http-api.md §13). */
class WhenRoutesTest extends ApiFixture {
  private static String body(String when, boolean strict, String more) {
    return "{\"query_type\":\"QUERY\",\"strict\":" + strict + more + ",\"when\":" + when + "}";
  }

  /** Times of what a query gives, or its error. */
  private String ask(String entry, String body) throws Exception {
    Wire.Answer begun = send("POST", "b/" + bucket + "/" + entry + "/q", body);
    if (begun.status() != 200) {
      return begun.status() + " at query: " + begun.error().replaceFirst("id=[0-9]+$", "id=<id>");
    }
    long id = Long.parseLong(begun.text().replaceAll("[^0-9]", ""));
    var times = new ArrayList<String>();
    for (; ; ) {
      Wire.Answer answer = readOne("GET", entry, id);
      if (answer.status() == 204) {
        return String.join(" ", times);
      }
      if (answer.status() != 200) {
        return answer.status() + " at read: " + answer.error();
      }
      answer.own("x-reduct-time-").forEach(h -> times.add(h.substring(14, h.indexOf(':'))));
    }
  }

  /** All in one server: starting one for each would take minutes. */
  @Test
  void conditionsOnOneRecord() throws Exception {
    int number = 0;
    for (WhenVectors.One vector : WhenVectors.ones()) {
      String entry = "v" + number++;
      var labels = new ArrayList<String>();
      for (int i = 0; i < vector.labels().size(); i += 2) {
        labels.add(vector.labels().get(i) + "=" + vector.labels().get(i + 1));
      }
      record(entry, 1000, "x", labels.toArray(new String[0]));
      String outcome = ask(entry, body(vector.when(), vector.strict(), ""));
      assertThat(outcome.equals("1000") ? "PASS" : outcome.isEmpty() ? "DROP" : outcome)
          .as(vector.toString())
          .isEqualTo(vector.outcome());
    }
    assertThat(number).isGreaterThan(220);
  }

  private void tenRecords() throws Exception {
    for (int n = 0; n < 10; n++) {
      record("e", n + 1, "x", "n=" + n, "odd=" + (n % 2 == 1));
    }
  }

  @Test
  void conditionsOnTenRecords() throws Exception {
    for (int n = 0; n < 10; n++) {
      record("e", (n + 1) * 1_000_000L, "x", "n=" + n, "odd=" + (n % 2 == 1));
    }
    for (WhenVectors.Row vector : WhenVectors.rows()) {
      String expected =
          String.join(" ", vector.chosen().stream().map(n -> n + 1 + "000000").toList());
      assertThat(ask("e", body(vector.when(), vector.strict(), "")))
          .as(vector.toString())
          .isEqualTo(expected);
    }
  }

  @Test
  void batchesAreCutAsTheQueryWants() throws Exception {
    for (int n = 0; n < 5; n++) {
      record("e", n, "x");
    }
    assertThat(batches("{'#batch_records':2}")).isEqualTo("2 2 1 last");
    assertThat(batches("{'#batch_size':2}")).isEqualTo("3 2 last");
    assertThat(batches("{'#batch_size':0}")).isEqualTo("1 1 1 1 1");
    assertThat(batches("{'#batch_records':0}")).isEqualTo("1 1 1 1 1");
    assertThat(batches("{'#batch_metadata_size':1}")).isEqualTo("1 1 1 1 1");
    assertThat(batches("{'#batch_size':'1 KB','#batch_records':4}")).isEqualTo("4 1 last");
  }

  private String batches(String when) throws Exception {
    long id = query("b/" + bucket + "/e/q", body(when.replace('\'', '"'), false, ""));
    var sizes = new ArrayList<String>();
    for (; ; ) {
      Wire.Answer answer = readOne("GET", "e", id);
      if (answer.status() == 204) {
        return String.join(" ", sizes);
      }
      sizes.add("" + answer.own("x-reduct-time-").size());
      if (answer.header("x-reduct-last").orElseThrow().equals("true")) {
        return String.join(" ", sizes) + " last";
      }
    }
  }

  @Test
  void selectedLabelsOnly() throws Exception {
    record("e", 1, "x", "a=1", "b=2", "c=3");
    String select = body("{\"#select_labels\":[\"a\",\"zz\"]}", false, "");
    assertThat(readOne("GET", "e", query("b/" + bucket + "/e/q", select)).own("x-reduct-time-"))
        .containsExactly("x-reduct-time-1: 1,text/plain,a=1");
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").own("x-reduct-label-")).hasSize(3);
  }

  @Test
  void removalsByCondition() throws Exception {
    tenRecords();
    assertThat(remove("b/" + bucket + "/e/q", "'when':{'&n':{'$eq':4},'#ctx_before':1}"))
        .isEqualTo("200 {\"removed_records\":2}");
    assertThat(remove("b/" + bucket + "/e/q", "'strict':true,'when':{'&other':{'$eq':4}}"))
        .startsWith("404 ");
    assertThat(timesOf("e")).containsExactly("1", "2", "3", "6", "7", "8", "9", "10");
    assertThat(remove("io/" + bucket + "/q", "'when':{'&odd':{'$eq':true}}"))
        .isEqualTo("200 {\"removed_records\":4}");
    assertThat(timesOf("e")).containsExactly("1", "3", "7", "9");
    assertThat(remove("b/" + bucket + "/e/q", "'limit':1"))
        .isEqualTo("200 {\"removed_records\":1}");
    assertThat(send("DELETE", "b/" + bucket + "/e/q?start=0&include-n=6").text())
        .isEqualTo("{\"removed_records\":1}");
    assertThat(timesOf("e")).containsExactly("3", "9");
  }

  private String remove(String path, String fields) throws Exception {
    Wire.Answer answer =
        send("POST", path, ("{'query_type':'REMOVE'," + fields + "}").replace('\'', '"'));
    return answer.status() + " " + answer.text();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "limit=3                  | 1 2 3",
        "each_n=4                 | 4 8",
        "include-odd=true&limit=2 | 2 4",
        "exclude-odd=true         | 1 3 5 7 9",
        "include-n=3&exclude-odd=false | 4"
      })
  void theOldFormOfAQuery(String parameters, String times) throws Exception {
    tenRecords();
    Wire.Answer begun = send("GET", "b/" + bucket + "/e/q?" + parameters);
    long id = Long.parseLong(begun.text().replaceAll("[^0-9]", ""));
    var got = new ArrayList<String>();
    readOne("GET", "e", id)
        .own("x-reduct-time-")
        .forEach(h -> got.add(h.substring(14, h.indexOf(':'))));
    assertThat(String.join(" ", got)).isEqualTo(times);
    assertThat(send("GET", "b/" + bucket + "/e/q?each_s=x").summary())
        .isEqualTo("422 'each_s' must be a number of seconds");
  }

  @Test
  void explainTellsWhatWouldBeRead() throws Exception {
    send("PUT", "b/" + bucket, "{\"max_block_records\":10}");
    for (int n = 0; n < 40; n++) {
      record("e", n, "xyz", "n=" + n, n < 20 ? "low=true" : "high=true");
    }
    JsonNode plan = explain("{'query_type':'QUERY','start':5,'when':{'&n':{'$gte':25}}}");
    assertThat(plan.at("/blocks/skipped").intValue()).isEqualTo(2);
    assertThat(plan.at("/blocks/read").intValue()).isEqualTo(2);
    assertThat(plan.at("/blocks/outside_range").intValue()).isZero();
    assertThat(plan.at("/records_chosen").intValue()).isEqualTo(15);
    assertThat(plan.at("/body_bytes").intValue()).isEqualTo(45);
    assertThat(plan.at("/skipped/0/reason").textValue())
        .isEqualTo("label 'n' is one of 10 values: whole numbers from 0 to 9");
    assertThat(explain("{'query_type':'QUERY','when':{'$has':'high'}}").at("/skipped/1/reason"))
        .hasToString("\"no record has label 'high'\"");
    // Nothing is removed by asking.
    assertThat(explain("{'query_type':'REMOVE','when':{'&n':{'$lt':3}}}").at("/records_chosen"))
        .hasToString("3");
    assertThat(timesOf("e")).hasSize(40);
    assertThat(explain("{'query_type':'QUERY','start':35}").at("/blocks/outside_range"))
        .hasToString("3");
  }

  private JsonNode explain(String json) throws Exception {
    String body = json.replace('\'', '"').replaceFirst("\\{", "{\"explain\":true,");
    JsonNode one = Json.parse(send("POST", "b/" + bucket + "/e/q", body).body());
    JsonNode many = Json.parse(send("POST", "io/" + bucket + "/q", body).body());
    // Blocks are sealed in the background: how many indexes lie in files is a matter of the moment.
    assertThat(((ObjectNode) many).remove("index_bytes").isNumber()).isTrue();
    assertThat(((ObjectNode) one).remove("index_bytes").isNumber()).isTrue();
    assertThat(many).isEqualTo(one);
    return one;
  }

  @Test
  void hostileConditionsAreAnswered() throws Exception {
    record("e", 1, "x", "z=0");
    String path = "b/" + bucket + "/e/q";
    String deep = "{\"$and\":[".repeat(130) + "true" + "]}".repeat(130);
    var conditions =
        List.of(
            deep,
            "{\"$eq\":[" + "1,".repeat(100_000) + "1]}",
            "{\"&z\":{\"$eq\":9223372036854775808}}",
            "{\"&z\":{\"$eq\":18446744073709551615}}",
            "{\"#ctx_before\":18446744073709551615}",
            "{\"#batch_timeout\":\"1w\"}",
            "{\"#select_labels\":[\"5s\"]}",
            "{\"$eq\":[1e999,1]}",
            "{\"$\":1}",
            "{\"\":1}");
    for (String when : conditions) {
      Wire.Answer answer = send("POST", path, body(when, true, ""));
      assertThat(answer.status()).as(when.length() > 200 ? "long" : when).isEqualTo(422);
      assertThat(answer.error()).doesNotContain("Exception");
    }
    assertThat(ask("e", body("{\"$rem\":[5,\"&z\"]}", true, "")))
        .isEqualTo("422 at read: Cannot divide by zero");
    assertThat(send("GET", "info").status()).isEqualTo(200);
  }
}
