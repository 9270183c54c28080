package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.query.ExtensionOptions;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Queries with extensions over HTTP (extensions.md), with the extensions {@code words} and {@code
 * join} of the tests of queries.
 */
class ExtensionRoutesTest extends ApiFixture {
  private static final long SOON = Instant.now().getEpochSecond() + 3600;

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withExtensions(
        new ExtensionOptions(2, 300_000_000L, 1 << 20, 1 << 24, Optional.empty()));
  }

  private long queryOne(String entry, String json) throws IOException {
    return query("b/" + bucket + "/" + entry + "/q", json);
  }

  // ---------------------------------------------------------------- registration (14.1)

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "P1|{'#ext':{'nope':{}}}||Unknown extension 'nope' in query id=<id>",
        "P2||{'nope':{}}|Unknown extension 'nope' in query id=<id>",
        "P3|{}|{}|Extension name is not found in query id=<id>",
        "P4|{'#ext':[]}||Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "P5||[]|Extension name is not found in query id=<id>",
        "P6|{'#ext':'abc'}||Directive '#ext' must be a JSON object or an array of JSON objects in query id=<id>: expected value at line 1 column 1",
        "P7|{'#ext':5}||Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "P8|{'#ext':[{'a':{}},{'b':{}}]}||Unknown extension 'a' in query id=<id> at step 0",
        "P9|{'#ext':{'a':{},'b':{}}}||Unknown extension 'a' in query id=<id> at step 0",
        "P10|{'#ext':{'a':{},'b':{},'when':{}}}||Multiple extensions are not supported in query id=<id>",
        "P11|{'#ext':{'when':{}}}||Extension name is not found in query id=<id>",
        "P12|{'#ext':{'a':{},'when':{'$xx':[1]}}}||Operator '$xx' not supported",
        "P13|{'#ext':{'a':{},'when':null}}||Null type is not supported: null",
        "P14|{'#ext':[{'a':{},'c':{}},{'b':{}}]}||Each '#ext' pipeline step must contain exactly one extension in query id=<id>",
        "P15||'x'|Extension parameters must be a JSON object or an array of JSON objects in query id=<id>",
        "P16||[{'a':{}}]|Unknown extension 'a' in query id=<id>",
        "P17|{'#ext':null}||Directive '#ext' cannot be null",
        "P18|{'#ext':{'a':5}}|{'zz':{}}|Unknown extension 'a' in query id=<id>",
      })
  void registrationIsRefusedInTheReferencesWords(
      String number, @Nullable String when, @Nullable String ext, String text) throws IOException {
    record("e", 1, "x");
    String body =
        "{'query_type':'QUERY'"
            + (when == null ? "" : ",'when':" + when)
            + (ext == null ? "" : ",'ext':" + ext)
            + "}";
    for (String path : List.of("b/" + bucket + "/e/q", "io/" + bucket + "/q")) {
      var answer = send("POST", path, body.replace('\'', '"'));
      assertThat(answer.status()).as(number).isEqualTo(422);
      assertThat(answer.error().replaceAll("id=\\d+", "id=<id>")).as(number).isEqualTo(text);
    }
  }

  @Test
  void aRemovalDoesNotLookAtExtensions() throws IOException {
    for (int i = 1; i <= 5; i++) {
      record("e", i, "x", "n=" + i);
    }
    var answer =
        send(
            "POST",
            "b/" + bucket + "/e/q",
            "{'query_type':'REMOVE','when':{'&n':{'$lt':3},'#ext':{'nope':{}}}}"
                .replace('\'', '"'));
    assertThat(answer.text()).isEqualTo("{\"removed_records\":2}");
  }

  // ---------------------------------------------------------------- answers

  @Test
  void v1BatchesAreSortedAndHaveComputedLabels() throws IOException {
    record("e", 10, "a b,c", "k=v", "z=1,2");
    for (String method : List.of("GET", "HEAD")) {
      long id =
          queryOne(
              "e", "{'query_type':'QUERY','only_metadata':true,'ext':{'words':{'reverse':1}}}");
      var answer = readOne(method, "e", id);
      assertThat(answer.own())
          .containsExactly(
              "x-reduct-time-10: 3,text/word,@at=1,@word=\"b,c\",k=v,z=\"1,2\"",
              "x-reduct-time-11: 1,text/word,@at=0,@word=a,k=v,z=\"1,2\"",
              "content-type: application/octet-stream",
              "x-reduct-last: true");
      assertThat(answer.header("content-length")).contains("4");
      assertThat(answer.text()).isEqualTo(method.equals("GET") ? "b,ca" : "");
      assertThat(readOne(method, "e", id).summary()).isEqualTo("204 No content");
    }
  }

  @Test
  void v2BatchesSayComputedLabelsOfEveryRecord() throws IOException {
    record("a", 10, "x y", "k=v");
    record("b", 11, "z", "k=v");
    long id = queryMany("{'query_type':'QUERY','when':{'#ext':{'words':{}}}}");
    var answer = readMany("GET", id);
    assertThat(answer.own())
        .containsExactly(
            "x-reduct-entries: a,b",
            "x-reduct-start-ts: 10",
            "x-reduct-labels: k,%40at,%40word",
            "x-reduct-0-0: 1,text/word,0=v,1=0,2=x",
            "x-reduct-0-1: 1,,1=1,2=y",
            "x-reduct-1-1: 1,text/word,0=v,1=0,2=z",
            "content-type: application/octet-stream",
            "x-reduct-last: true");
    assertThat(answer.text()).isEqualTo("xyz");
  }

  @Test
  void equalTimesComeInBatchesOfTheirOwn() throws IOException {
    record("e", 10, "x y");
    long id = queryMany("{'query_type':'QUERY','ext':{'words':{'same_time':1}}}");
    assertThat(readMany("GET", id).own()).contains("x-reduct-last: false");
    assertThat(readMany("GET", id).text()).isEqualTo("y");
    assertThat(readMany("GET", id).status()).isEqualTo(204);
  }

  @Test
  void aSingleReadGivesOneItem() throws IOException {
    record("e", 10, "x y");
    long id = queryOne("e", "{'query_type':'QUERY','ext':{'words':{}}}");
    var first = send("GET", "b/" + bucket + "/e?q=" + id);
    assertThat(first.own())
        .contains("x-reduct-label-%40word: x", "x-reduct-time: 10", "content-type: text/word");
    assertThat(first.text()).isEqualTo("x");
    assertThat(send("GET", "b/" + bucket + "/e?q=" + id).text()).isEqualTo("y");
  }

  @Test
  void largeItemsAreStreamed() throws IOException {
    String large = "x".repeat(3_000_000);
    record("e", 10, large);
    record("e", 20, large);
    long id =
        queryOne("e", "{'query_type':'QUERY','when':{'#batch_size':1,'#ext':{'join':{'of':1}}}}");
    for (int i = 0; i < 2; i++) {
      var answer = readOne("GET", "e", id);
      assertThat(answer.text()).isEqualTo(large);
    }
    id = queryOne("e", "{'query_type':'QUERY','ext':{'join':{}}}");
    assertThat(readOne("GET", "e", id).text()).isEqualTo(large + "+" + large);
  }

  // ---------------------------------------------------------------- errors and bounds

  @Test
  void anErrorHasItsStatusAndTheNextReadGoesOn() throws IOException {
    record("e", 10, "FAIL");
    record("e", 20, "CRASH");
    record("e", 30, "x");
    long id = queryOne("e", "{'query_type':'QUERY','ext':{'words':{}}}");
    assertThat(readOne("GET", "e", id).summary())
        .isEqualTo("422 Word 'FAIL' failed in record e/10");
    assertThat(readOne("GET", "e", id).status()).isEqualTo(500);
    assertThat(readOne("GET", "e", id).text()).isEqualTo("x");
    id = queryOne("e", "{'query_type':'QUERY','ext':{'words':{},'when':{'@no':{'$eq':1}}}}");
    assertThat(readOne("GET", "e", id).summary()).startsWith("422 Word 'FAIL' failed");
    assertThat(readOne("GET", "e", id).status()).isEqualTo(500);
    assertThat(readOne("GET", "e", id).summary()).isEqualTo("404 Reference '@no' not found");
  }

  @Test
  void whatWorksTooLongIsStoppedAndOthersGoOnMeanwhile() throws IOException {
    for (int i = 0; i < 4; i++) {
      record("busy" + i, 10, "SPIN");
      record("busy" + i, 20, "after");
    }
    record("e", 10, "x");
    var busy = new long[4];
    var first = new Wire.Answer[4];
    for (int i = 0; i < 4; i++) {
      busy[i] =
          queryOne(
              "busy" + i,
              "{'query_type':'QUERY','when':{'#batch_timeout':'1ms','#ext':{'words':{}}}}");
      // Mostly empty and not the last: the work goes on without the client.
      first[i] = readOne("GET", "busy" + i, busy[i]);
    }
    long id =
        queryOne("e", "{'query_type':'QUERY','when':{'#batch_timeout':'60s','#ext':{'words':{}}}}");
    assertThat(readOne("GET", "e", id).text()).isEqualTo("x");
    for (int i = 0; i < 4; i++) {
      Wire.Answer answer = first[i];
      while (answer.status() == 200) {
        assertThat(answer.own())
            .containsExactly("content-type: application/octet-stream", "x-reduct-last: false");
        answer = readOne("GET", "busy" + i, busy[i]);
      }
      assertThat(answer.summary())
          .isEqualTo(
              "422 Extensions took more than 300 ms of CPU time (PANNIER_EXT_CPU_TIME) in record"
                  + " busy"
                  + i
                  + "/10");
      do {
        answer = readOne("GET", "busy" + i, busy[i]);
        assertThat(answer.status()).as(answer.summary()).isEqualTo(200);
      } while (answer.text().isEmpty());
      assertThat(answer.text()).isEqualTo("after");
    }
  }

  // ---------------------------------------------------------------- links

  private String link(String query, String entry, long timestamp) throws IOException {
    var answer =
        send(
            "POST",
            "links/f",
            """
            {"bucket":"%s","entry":"e","query":%s,"record_entry":"%s","record_timestamp":%d,
             "expire_at":%d}\
            """
                .formatted(bucket, query.replace('\'', '"'), entry, timestamp, SOON));
    String url = answer.text().replaceAll(".*\"link\":\"([^\"]*)\".*", "$1");
    return url.substring(url.indexOf("/api/v1/") + "/api/v1/".length());
  }

  @Test
  void aLinkShowsOneItem() throws IOException {
    record("e", 10, "FAIL");
    record("e", 20, "one two three");
    String query = "{'query_type':'QUERY','when':{'#ext':{'words':{},'when':{'@at':{'$lt':2}}}}}";
    var answer = send(request("GET", link(query, "e", 21)).withoutToken());
    assertThat(answer.status()).as(answer.summary()).isEqualTo(200);
    assertThat(answer.text()).isEqualTo("two");
    assertThat(answer.own()).contains("x-reduct-label-%40word: two", "content-type: text/word");
    var part =
        send(request("GET", link(query, "e", 21)).withoutToken().header("range", "bytes=1-"));
    assertThat(part.status()).isEqualTo(206);
    assertThat(part.text()).isEqualTo("wo");
    // That of a record on the way says more than that the one looked for is not there.
    assertThat(send(request("GET", link(query, "e", 22)).withoutToken()).error())
        .isEqualTo("Word 'FAIL' failed in record e/10");
    String later = query.replace("'QUERY',", "'QUERY','start':15,");
    assertThat(send(request("GET", link(later, "e", 22)).withoutToken()).error())
        .isEqualTo("Record e/22 not found in query result");
  }
}
