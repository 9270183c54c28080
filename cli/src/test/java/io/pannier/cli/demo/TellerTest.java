package io.pannier.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the demonstration prints of what it sees. */
class TellerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final StringWriter out = new StringWriter();

  private Teller teller(boolean json, boolean isTerminal) {
    return Teller.of(new PrintWriter(out), json, isTerminal);
  }

  private static Teller.Status status(double seconds, boolean isUp, String diagnostics)
      throws Exception {
    Map<String, JsonNode> more = new HashMap<>();
    for (var field : JSON.readTree(diagnostics.replace('\'', '"')).properties()) {
      more.put(field.getKey(), field.getValue());
    }
    var line = new Teller.Line("robot1", 100, 7, 20, 3.25, more);
    return new Teller.Status(seconds, isUp, 1_500_000, 9, List.of(line, line));
  }

  private static Teller.Result result(boolean isEqual) {
    return new Teller.Result(
        "robot1", 100, 30, 30, "a".repeat(64), (isEqual ? "a" : "b").repeat(64), isEqual);
  }

  @Test
  void figuresOfTheServerAreShownWhenItHasThem() throws Exception {
    teller(false, false).status(status(4, true, "{}"));
    assertThat(out.toString())
        .isEqualToNormalizingNewlines(
            "    4.0 s  link up   pending   14  lag   3.3 s  sent    1.5 MB  caught up in about 9 s\n");
    out.getBuffer().setLength(0);
    String told =
        "{'pending':{'bytes':600000,'oldest_age_seconds':4.0},'forecast':{'catch_up_seconds':5.0,'eviction_seconds':60.0}}";
    teller(false, false).status(status(4, true, told));
    assertThat(out.toString())
        .isEqualToNormalizingNewlines(
            "    4.0 s  link up   pending   14 (1.2 MB)  lag   3.3 s  sent    1.5 MB  caught up in about 5 s\n");
    out.getBuffer().setLength(0);
    teller(false, true).status(status(4, false, told));
    assertThat(out.toString()).contains("link CUT").contains("robot1").contains("evicted in 60 s");
    out.getBuffer().setLength(0);
    teller(false, false)
        .status(status(4, true, "{'pending':{'bytes':null},'forecast':{'catch_up_seconds':null}}"));
    assertThat(out.toString()).contains("pending   14  lag").contains("about 9 s");
  }

  @Test
  void plainLinesComeNowAndThen() throws Exception {
    Teller plain = teller(false, false);
    for (double seconds : new double[] {0, 0.5, 1.9, 2.1, 3}) {
      plain.status(status(seconds, true, "{}"));
    }
    assertThat(out.toString().lines()).hasSize(2);
    plain.phase("The link is cut");
    plain.status(status(3.1, false, "{}"));
    assertThat(out.toString().lines()).hasSize(4);
  }

  @Test
  void aTerminalShowsTheSameLinesAnew() throws Exception {
    Teller live = teller(false, true);
    live.status(status(1, true, "{}"));
    assertThat(out.toString()).doesNotContain("\033[");
    live.status(status(1.5, true, "{}"));
    assertThat(out.toString()).contains("\033[3A\033[J");
  }

  @Test
  void aDifferenceIsSaid() throws Exception {
    teller(false, false).results(List.of(result(true), result(false)), 3);
    assertThat(out.toString()).contains("aaaaaaaaaaaa != bbbbbbbbbbbb").contains("NOT EQUAL");
    out.getBuffer().setLength(0);
    teller(true, false).results(List.of(result(true), result(false)), 3);
    JsonNode json = JSON.readTree(out.toString());
    assertThat(json.path("equal").asBoolean()).isFalse();
    assertThat(json.path("robots").path(0).path("equal").asBoolean()).isTrue();
    out.getBuffer().setLength(0);
    teller(true, false).results(List.of(result(true)), 3);
    assertThat(JSON.readTree(out.toString()).path("equal").asBoolean()).isTrue();
  }
}
