package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BucketRoutesTest extends ApiFixture {
  private String settingsOf(String name) throws Exception {
    String text = send("GET", "b/" + name).text();
    return text.substring(text.indexOf("\"settings\":") + 11, text.indexOf(",\"entries\""));
  }

  @Test
  void aNewBucketIsEmptyAndHasTheDefaults() throws Exception {
    assertThat(send("POST", "b/fresh").summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", "b/fresh").text())
        .isEqualTo(
            "{\"info\":{\"name\":\"fresh\",\"entry_count\":0,\"size\":0,\"oldest_record\":0,\"latest_record\":0,"
                + "\"is_provisioned\":false,\"status\":\"READY\"},"
                + "\"settings\":{\"quota_type\":\"NONE\",\"quota_size\":0,\"max_block_size\":64000000,\"max_block_records\":1024},"
                + "\"entries\":[]}");
  }

  @Test
  void settingsOfARequestReplaceTheDefaults() throws Exception {
    send(
        "POST",
        "b/set",
        "{\"quota_type\":\"FIFO\",\"quota_size\":18446744073709551615,\"max_block_size\":null,\"unknown\":[{}]}");
    assertThat(settingsOf("set"))
        .isEqualTo(
            "{\"quota_type\":\"FIFO\",\"quota_size\":18446744073709551615,\"max_block_size\":64000000,\"max_block_records\":1024}");
  }

  @Test
  void namesAreChecked() throws Exception {
    for (String name : List.of("b.1", "%24x", "a%20b", "%C3%A9", "a%2Fb")) {
      assertThat(send("POST", "b/" + name).summary())
          .isEqualTo(
              "422 Bucket or entry name can contain only letters, digests and [-,_] symbols");
    }
    assertThat(send("POST", "b/A-z_09").status()).isEqualTo(200);
  }

  @Test
  void aSecondBucketOfTheNameIsAConflict() throws Exception {
    var answer = send("POST", "b/" + bucket);
    assertThat(answer.summary()).isEqualTo("409 Bucket '" + bucket + "' already exists");
    assertThat(answer.text()).isEqualTo("{\"detail\": \"Bucket '" + bucket + "' already exists\"}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"quota_type\":\"fifo\"}",
        "{\"quota_type\":1}",
        "{\"quota_size\":-1}",
        "{\"quota_size\":\"1\"}",
        "{\"quota_size\":1.0}",
        "{\"quota_size\":1e3}",
        "{\"max_block_size\":18446744073709551616}",
        "{\"max_block_records\":true}",
        "[]",
        "null",
        "5",
        "{",
        "{} x",
        "{\"quota_size\":01}"
      })
  void malformedSettingsAreRefused(String body) throws Exception {
    for (String method : List.of("POST", "PUT")) {
      var answer = send(method, "b/other", body);
      assertThat(answer.status()).isEqualTo(422);
      assertThat(answer.error()).startsWith("Invalid JSON: ");
    }
    assertThat(send("HEAD", "b/other").status()).isEqualTo(404);
  }

  @Test
  void theErrorBodyIsJsonWhateverTheMessageHolds() throws Exception {
    var answer = send("POST", "b/x", "{\"quota_type\":\"a\\\"b\\\\cé\"}");
    assertThat(answer.error())
        .isEqualTo(
            "Invalid JSON: unknown variant `a\"b\\c?`, expected one of `NONE`, `FIFO`, `HARD`");
    assertThat(
            new com.fasterxml.jackson.databind.ObjectMapper()
                .readTree(answer.body())
                .get("detail")
                .asText())
        .contains("`a'b\\cé`");
  }

  @Test
  void settingsAreMerged() throws Exception {
    assertThat(send("PUT", "b/" + bucket, "{\"max_block_records\":7}").summary())
        .isEqualTo("200 (no error)");
    assertThat(
            send(
                    "PUT",
                    "b/" + bucket,
                    "{\"quota_type\":\"HARD\",\"quota_size\":100,\"max_block_records\":null}")
                .status())
        .isEqualTo(200);
    assertThat(send("PUT", "b/" + bucket).status()).isEqualTo(200);
    assertThat(settingsOf(bucket))
        .isEqualTo(
            "{\"quota_type\":\"HARD\",\"quota_size\":100,\"max_block_size\":64000000,\"max_block_records\":7}");
    assertThat(send("PUT", "b/missing", "{}").summary())
        .isEqualTo("404 Bucket 'missing' is not found");
  }

  @Test
  void theAcknowledgementIsASettingOfOurs() throws Exception {
    send("PUT", "b/" + bucket, "{\"ack\":\"disk\"}");
    assertThat(settingsOf(bucket)).endsWith("\"max_block_records\":1024,\"ack\":\"disk\"}");
    assertThat(send("POST", "b/" + bucket + "/e?ts=1", "x").header("x-pannier-ack"))
        .contains("disk");
    assertThat(send("PUT", "b/" + bucket, "{\"ack\":\"paper\"}").status()).isEqualTo(422);
  }

  @Test
  void headTellsWhetherItExists() throws Exception {
    assertThat(send("HEAD", "b/" + bucket).status()).isEqualTo(200);
    var missing = send("HEAD", "b/missing");
    assertThat(missing.summary()).isEqualTo("404 Bucket 'missing' is not found");
    assertThat(missing.header("content-length")).contains("43");
    assertThat(send("GET", "b/missing").summary()).isEqualTo("404 Bucket 'missing' is not found");
  }

  @Test
  void entriesAreListedByNameWithTheirParents() throws Exception {
    record("z", 5, "hello");
    record("a/b/c", 7, "hello");
    record("a/b/c/$meta", 8, "{}", "key=k");
    String text = send("GET", "b/" + bucket).text();
    assertThat(text)
        .contains("\"entry_count\":4,", "\"oldest_record\":5,\"latest_record\":7,")
        .contains(
            "{\"name\":\"a\",\"size\":0,\"record_count\":0,\"block_count\":0,\"oldest_record\":0,\"latest_record\":0,\"status\":\"READY\"},{\"name\":\"a/b\",")
        .contains("{\"name\":\"a/b/c\",")
        .contains(
            "\"record_count\":1,\"block_count\":1,\"oldest_record\":5,\"latest_record\":5,\"status\":\"READY\"}]}")
        .doesNotContain("$meta");
  }

  @Test
  void renaming() throws Exception {
    record("e", 1, "x");
    send("POST", "b/taken");
    assertThat(send("PUT", "b/" + bucket + "/rename", "{\"new_name\":\"b.3\"}").summary())
        .isEqualTo("422 Bucket or entry name can contain only letters, digests and [-,_] symbols");
    assertThat(send("PUT", "b/" + bucket + "/rename", "{\"new_name\":\"taken\"}").summary())
        .isEqualTo("409 Bucket 'taken' already exists");
    assertThat(send("PUT", "b/missing/rename", "{\"new_name\":\"x\"}").summary())
        .isEqualTo("404 Bucket 'missing' is not found");
    for (String body : List.of("{}", "{\"new_name\":null}", "{\"new_name\":5}", "")) {
      var answer = send("PUT", "b/" + bucket + "/rename", body);
      assertThat(answer.status()).isEqualTo(422);
      assertThat(answer.error()).startsWith("Invalid JSON: ");
    }
    // Without a content type, too.
    assertThat(send("PUT", "b/" + bucket + "/rename", "{\"new_name\":\"renamed\"}").summary())
        .isEqualTo("200 (no error)");
    assertThat(send("GET", "b/renamed/e?ts=1").text()).isEqualTo("x");
    assertThat(send("GET", "b/" + bucket + "/e?ts=1").status()).isEqualTo(404);
  }

  @Test
  void removing() throws Exception {
    record("e", 1, "x");
    assertThat(send("DELETE", "b/" + bucket).summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", "b/" + bucket).summary())
        .isEqualTo("404 Bucket '" + bucket + "' is not found");
    assertThat(send("DELETE", "b/" + bucket).status()).isEqualTo(404);
    assertThat(send("POST", "b/" + bucket).status()).isEqualTo(200);
    assertThat(send("GET", "b/" + bucket + "/e").status()).isEqualTo(404);
  }

  @Test
  void removingAnEntryTakesItsChildrenAndAttachments() throws Exception {
    record("a/b", 1, "x");
    record("a/b/c", 1, "x");
    record("a/b/$meta", 1, "{}", "key=k");
    record("a/bc", 1, "x");
    assertThat(send("DELETE", "b/" + bucket + "/a/b").summary()).isEqualTo("200 (no error)");
    for (String gone : List.of("a/b", "a/b/c", "a/b/$meta")) {
      assertThat(send("GET", "b/" + bucket + "/" + gone).status()).isEqualTo(404);
    }
    assertThat(send("GET", "b/" + bucket + "/a/bc").status()).isEqualTo(200);
    assertThat(send("DELETE", "b/" + bucket + "/a/b").summary())
        .isEqualTo("404 Entry 'a/b' not found in bucket '" + bucket + "'");
    assertThat(send("DELETE", "b/missing/e").summary())
        .isEqualTo("404 Bucket 'missing' is not found");
    assertThat(send("DELETE", "b/" + bucket + "/a/bc?x=1").summary())
        .isEqualTo("422 'ts' parameter is required");
  }

  @Test
  void renamingAnEntryTakesItsChildrenAndAttachmentsAlong() throws Exception {
    record("a/b", 1, "one");
    record("a/b/c", 2, "two");
    record("a/b/$meta", 3, "{}", "key=k");
    record("taken", 1, "x");
    String path = "b/" + bucket + "/a/b/rename";
    assertThat(send("PUT", path, "{\"new_name\":\"taken\"}").summary())
        .isEqualTo("409 Entry 'taken' already exists in bucket '" + bucket + "'");
    assertThat(send("PUT", path, "{\"new_name\":\"a/b\"}").summary())
        .isEqualTo("409 Entry 'a/b' already exists in bucket '" + bucket + "'");
    assertThat(send("PUT", path, "{\"new_name\":\"a/b/d\"}").status()).isEqualTo(409);
    assertThat(send("PUT", path, "{\"new_name\":\"x*\"}").status()).isEqualTo(422);
    assertThat(send("PUT", path, "{\"new_name\":\"x//y\"}").summary())
        .isEqualTo("422 Entry name must be non-empty and must not contain empty path segments");
    assertThat(send("PUT", path, "{\"new_name\":\"x/$meta\"}").status()).isEqualTo(422);
    assertThat(send("PUT", "b/" + bucket + "/a/b/$meta/rename", "{\"new_name\":\"x\"}").status())
        .isEqualTo(422);
    assertThat(send("PUT", "b/" + bucket + "/zz/rename", "{\"new_name\":\"x\"}").summary())
        .isEqualTo("404 Entry 'zz' not found in bucket '" + bucket + "'");
    assertThat(send("PUT", "b/missing/zz/rename", "{\"new_name\":\"x\"}").status()).isEqualTo(404);
    assertThat(send("PUT", path, "{}").error()).startsWith("Invalid JSON: ");
    assertThat(send("PUT", path, "{\"new_name\":\"n/m\"}").summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", "b/" + bucket + "/n/m?ts=1").text()).isEqualTo("one");
    assertThat(send("GET", "b/" + bucket + "/n/m/c?ts=2").header("x-reduct-entry"))
        .contains("n/m/c");
    assertThat(send("GET", "b/" + bucket + "/n/m/$meta?ts=3").text()).isEqualTo("{}");
    assertThat(send("GET", "b/" + bucket + "/a/b").status()).isEqualTo(404);
  }
}
