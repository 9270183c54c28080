package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.replicate.ReplicationDeclaration;
import io.pannier.replicate.ReplicationMode;
import io.pannier.replicate.SettingsJson;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Replications by the HTTP API (http-api.md §17); answers were asked of the reference. */
class ReplicationRoutesTest extends ApiFixture {
  /** Nobody listens there. */
  private static final String NOWHERE = "http://127.0.0.1:9";

  private String settings(String more) {
    return ("{'src_bucket':'"
            + bucket
            + "','dst_bucket':'d','dst_host':'"
            + NOWHERE
            + "'"
            + (more.isEmpty() ? "" : "," + more)
            + "}")
        .replace('\'', '"');
  }

  private String post(String name, String body) throws IOException {
    return send("POST", "replications/" + name, body).summary();
  }

  @Test
  void aTaskIsMadeShownChangedAndRemoved() throws Exception {
    assertThat(post("r", settings("'dst_token':'secret','mode':'paused'")))
        .isEqualTo("200 (no error)");
    assertThat(post("r", settings(""))).isEqualTo("409 Replication 'r' already exists");
    assertThat(send("GET", "replications").text())
        .isEqualTo(
            "{\"replications\":[{\"name\":\"r\",\"mode\":\"paused\",\"is_active\":false,\"is_provisioned\":false,\"pending_records\":0}]}");
    assertThat(
            send(
                    "PUT",
                    "replications/r",
                    settings(
                        "'entries':['a','b/*'],'dst_prefix':'/p/q/','when':{'&a':{'$eq':1}},'compression':'zstd','mode':'paused'"))
                .summary())
        .isEqualTo("200 (no error)");
    assertThat(send("GET", "replications/r").text())
        .isEqualTo(
            "{\"info\":{\"name\":\"r\",\"mode\":\"paused\",\"is_active\":false,\"is_provisioned\":false,\"pending_records\":0},"
                + "\"settings\":{\"src_bucket\":\""
                + bucket
                + "\",\"dst_bucket\":\"d\",\"dst_host\":\"http://127.0.0.1:9\",\"dst_token\":null,\"entries\":[\"a\",\"b/*\"],"
                + "\"dst_prefix\":\"/p/q/\",\"when\":{\"&a\":{\"$eq\":1}},\"mode\":\"paused\",\"compression\":\"zstd\"},"
                + "\"diagnostics\":{\"hourly\":{\"ok\":0,\"errored\":0,\"errors\":{}},\"lost_records\":0,\"lost_bytes\":0,\"refused_records\":0,"
                + "\"refused_bytes\":0,\"sent_records\":0,\"sent_bytes\":0,\"sent_changes\":0,\"resumed_bytes\":0,"
                + "\"pending\":{\"records\":0,\"bytes\":0,\"changes\":0,\"oldest_timestamp\":null,\"oldest_age_seconds\":null},"
                + "\"forecast\":{\"records_in_per_second\":0.0,\"bytes_in_per_second\":0.0,\"records_out_per_second\":0.0,"
                + "\"bytes_out_per_second\":0.0,\"ring_bytes_per_second\":0.0,\"catch_up_seconds\":0.0,\"eviction_seconds\":null,"
                + "\"loss_seconds\":null,\"loss_bytes\":0},\"last_error\":null,\"destination\":null}}");
    assertThat(send("DELETE", "replications/r").summary()).isEqualTo("200 (no error)");
    assertThat(send("GET", "replications").text()).isEqualTo("{\"replications\":[]}");
  }

  @Test
  void theModeIsChangedAlone() throws Exception {
    post("r", settings("'mode':'disabled'"));
    assertThat(send("PATCH", "replications/r/mode", "{\"mode\":\"paused\"}").summary())
        .isEqualTo("200 (no error)");
    assertThat(send("GET", "replications/r").text()).contains("\"mode\":\"paused\"");
    assertThat(send("PATCH", "replications/r/mode", "{\"mode\":\"on\"}").summary())
        .isEqualTo(
            "422 Invalid JSON: unknown variant `on`, expected one of `enabled`, `paused`, `disabled`");
    assertThat(send("PATCH", "replications/r/mode", "{}").summary())
        .isEqualTo("422 Invalid JSON: missing field `mode`");
  }

  @Test
  void whatDoesNotExistIsNotFound() throws Exception {
    String error = "404 Replication 'nope' does not exist";
    assertThat(send("GET", "replications/nope").summary()).isEqualTo(error);
    assertThat(send("PUT", "replications/nope", settings("")).summary()).isEqualTo(error);
    assertThat(send("DELETE", "replications/nope").summary()).isEqualTo(error);
    assertThat(send("PATCH", "replications/nope/mode", "{\"mode\":\"paused\"}").summary())
        .isEqualTo(error);
    assertThat(send("PATCH", "replications/nope", "").status()).isEqualTo(405);
    assertThat(send("PUT", "replications").status()).isEqualTo(405);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "'src_bucket':'nope'|404 Source bucket 'nope' for replication 'r' does not exist",
        "'dst_host':'hub'|422 Invalid destination host 'hub'",
        "'dst_host':'ftp://hub'|422 Invalid destination host 'ftp://hub'",
        "'when':{'$foo':1}|422 Invalid replication condition: Operator '$foo' not supported",
        "'mode':'bad'|422 Invalid JSON: unknown variant `bad`, expected one of `enabled`, `paused`, `disabled`",
        "'compression':'bad'|422 Invalid JSON: unknown variant `bad`, expected one of `none`, `zstd`, `gzip`",
        "'from':'bad'|422 Invalid JSON: 'from' must be `now`, `oldest`, or a time in microseconds",
        "'max_bytes_per_second':100|422 Invalid JSON: 'max_bytes_per_second' must be 0 (no limit) or at least 1024",
        "'max_bytes_per_second':-1|422 Invalid JSON: 'max_bytes_per_second' must be an unsigned 64-bit integer, not -1",
        "'max_bytes_per_second':'1MB'|422 Invalid JSON: 'max_bytes_per_second' must be an unsigned integer, not a string",
        "'dst_bucket':'a b'|422 Bucket or entry name can contain only letters, digests and [-,_] symbols",
        "'dst_prefix':'a//b'|422 Entry name must be non-empty and must not contain empty path segments",
        "'src_bucket':null|422 Invalid JSON: missing field `src_bucket`",
        "'dst_bucket':7|422 Invalid JSON: 'dst_bucket' must be a string, not the number 7",
      })
  void whatMakesNoSenseIsRefused(String member, String error) throws Exception {
    // Of a name that stands twice the last one counts.
    assertThat(post("r", settings(member))).isEqualTo(error);
    assertThat(send("GET", "replications").text()).isEqualTo("{\"replications\":[]}");
  }

  @Test
  void aTaskMustNotCopyABucketToItself() throws Exception {
    for (String host : List.of("127.0.0.1", "localhost", "0.0.0.0")) {
      String self =
          "'dst_bucket':'" + bucket + "','dst_host':'http://" + host + ":" + server.port() + "'";
      assertThat(post("r", settings(self)))
          .isEqualTo("422 Source and destination buckets must be different");
    }
  }

  @Test
  void membersOfOldClientsAreIgnored() throws Exception {
    assertThat(post("r", settings("'include':{'a':'b'},'exclude':{},'each_n':3,'each_s':0.5")))
        .isEqualTo("200 (no error)");
  }

  @Test
  void onlyFullAccessMayLook() throws Exception {
    assertThat(send(request("GET", "replications").header("authorization", "Bearer x")).status())
        .isEqualTo(401);
  }

  @Test
  void pendingRecordsAreCountedExactly() throws Exception {
    post("r", settings("'mode':'paused','when':{'&keep':{'$eq':true}}"));
    for (int i = 1; i <= 10; i++) {
      record("e", i, "x", "keep=" + (i % 2 == 0));
    }
    assertThat(send("GET", "replications/r").text()).contains("\"pending_records\":5}");
    send("DELETE", "b/" + bucket + "/e?ts=2");
    send("DELETE", "b/" + bucket + "/e?ts=3");
    assertThat(send("GET", "replications/r").text()).contains("\"pending_records\":4}");
  }

  @Test
  void anUnreachableDestinationIsTold() throws Exception {
    post("r", settings(""));
    for (int i = 0; i < 200; i++) {
      if (send("GET", "replications/r").text().contains("\"-3\":{\"count\":")) {
        break;
      }
      Thread.sleep(20); // tidy: polls a condition, with an end
    }
    assertThat(send("GET", "replications/r").text())
        .contains("\"is_active\":false", "\"-3\":{\"count\":", "Cannot connect to 127.0.0.1:9");
  }

  @Test
  void whatTheConfigurationGivesCannotBeChangedButForItsMode() throws Exception {
    var given =
        SettingsJson.read(
            io.pannier.query.Json.object(
                settings("'mode':'paused'").getBytes(java.nio.charset.StandardCharsets.UTF_8)));
    server.context().replications().provision(new ReplicationDeclaration("p", given, false));
    assertThat(send("GET", "replications/p").text()).contains("\"is_provisioned\":true");
    assertThat(send("PUT", "replications/p", settings("")).summary())
        .isEqualTo("409 Can't update provisioned replication 'p'");
    assertThat(send("DELETE", "replications/p").summary())
        .isEqualTo("409 Can't remove provisioned replication 'p'");
    send("PATCH", "replications/p/mode", "{\"mode\":\"disabled\"}");
    server.context().replications().provision(new ReplicationDeclaration("p", given, false));
    assertThat(server.context().replications().get("p").info().mode())
        .isEqualTo(ReplicationMode.DISABLED);
    server.context().replications().provision(new ReplicationDeclaration("p", given, true));
    assertThat(server.context().replications().get("p").info().mode())
        .isEqualTo(ReplicationMode.PAUSED);
  }
}
