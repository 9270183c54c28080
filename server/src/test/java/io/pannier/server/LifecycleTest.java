package io.pannier.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.server.events.EventOptions;
import io.pannier.server.lifecycle.LifecycleDeclaration;
import io.pannier.server.lifecycle.LifecycleSettings;
import io.pannier.server.settings.Declarations;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What policies do as time goes by (semantics.md part 2), seen from outside. */
class LifecycleTest extends ChoresFixture {
  private List<LifecycleDeclaration> declared = List.of();

  @Override
  ServerConfig configure(ServerConfig usual) {
    return super.configure(usual)
        .withEvents(new EventOptions(true, 100_000_000, Optional.empty()))
        .withDeclarations(new Declarations(List.of(), List.of(), declared));
  }

  private void create(String name, String members) throws IOException {
    String json =
        "{'bucket':'"
            + bucket
            + "','older_than':'1h','interval':'10m'"
            + (members.contains("'type'") ? "" : ",'type':'delete'")
            + members;
    Wire.Answer answer = send("POST", "lifecycles/" + name, (json + "}").replace('\'', '"'));
    assertThat(answer.summary()).isEqualTo("200 (no error)");
  }

  private void mode(String name, String mode) throws IOException {
    assertThat(
            send("PATCH", "lifecycles/" + name + "/mode", "{\"mode\":\"" + mode + "\"}").status())
        .isEqualTo(200);
  }

  /** Writes a record that is so old. */
  private void old(String entry, long minutes, String... labels) throws IOException {
    record(entry, now() - TimeUnit.MINUTES.toMicros(minutes), "x", labels);
  }

  /** How old the records of an entry are, in minutes, oldest first. */
  private List<Long> ages(String entry) throws IOException {
    var ages = new ArrayList<Long>();
    for (String time : timesOf(entry)) {
      ages.add(TimeUnit.MICROSECONDS.toMinutes(now() - Long.parseLong(time)));
    }
    return ages;
  }

  private List<String> runs(String policy) throws IOException {
    passSeconds(2);
    var runs = new ArrayList<String>();
    for (ObjectNode run : events("lifecycle/plant_7/" + policy)) {
      runs.add(
          run.get("status")
              + " "
              + run.get("processed_records")
              + (run.get("caught_up").booleanValue() ? " all" : " more")
              + (run.get("message").textValue().isEmpty()
                  ? ""
                  : " " + run.get("message").textValue()));
    }
    return runs;
  }

  private String info(String policy) throws IOException {
    return send("GET", "lifecycles/" + policy).text();
  }

  /** Runs tasks until the policy stands between two steps of its run. */
  private void runUntilStep() throws IOException {
    passMillis(TimeUnit.MINUTES.toMillis(10) - 1_000);
    clock.advanceNanos(TimeUnit.SECONDS.toNanos(1));
    reconnect();
    while (true) {
      boolean ran = chores.runOne();
      assertThat(ran).isTrue();
      if (!timesUntouched()) {
        return;
      }
    }
  }

  private int before;

  private boolean timesUntouched() {
    return store.bucket(bucket).entries().stream().mapToLong(e -> e.info().recordCount()).sum()
        == before;
  }

  // ---------------------------------------------------------------- schedule and window

  @Test
  void oldRecordsGoAfterOneIntervalAndYoungOnesStay() throws IOException {
    old("a", 90);
    old("a", 45);
    old("b/c", 200);
    old("b/c", 0);
    create("trim", "");
    passMinutes(9);
    assertThat(ages("a")).containsExactly(99L, 54L);
    passMinutes(1);
    assertThat(ages("a")).containsExactly(55L);
    assertThat(ages("b/c")).containsExactly(10L);
    assertThat(runs("trim")).containsExactly("200 2 all");
    assertThat(info("trim")).contains("\"last_run\":\"2025-06-15T");
    passMinutes(5);
    assertThat(ages("a")).containsExactly(60L);
    passMinutes(5);
    assertThat(ages("a")).isEmpty();
    assertThat(runs("trim")).containsExactly("200 2 all", "200 1 all");
  }

  @Test
  void anAgeThatIsExactlyReachedIsOld() throws IOException {
    old("a", 50);
    record("a", now() - TimeUnit.MINUTES.toMicros(50) + 1, "x");
    old("a", 0);
    create("trim", "");
    passMinutes(10);
    assertThat(ages("a")).containsExactly(59L, 10L);
  }

  @Test
  void aRunHandlesNoMoreThanItsSpanOfRecordTime() throws IOException {
    for (int hours = 20; hours >= 0; hours -= 2) {
      old("a", hours * 60L);
    }
    create("trim", ",'processing_interval':'5h'");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(8);
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(5);
    assertThat(runs("trim")).containsExactly("200 3 more", "200 3 more");
    ObjectNode event = events("lifecycle/plant_7/trim").getFirst();
    assertThat(event.toString())
        .matches(
            "\\{\"timestamp\":\\d+,\"instance\":\"plant.7\",\"status\":200,\"message\":\"\",\"policy_name\":\"trim\",\"action_type\":\"delete\",\"bucket\":\""
                + bucket
                + "\",\"duration\":0.0,\"processed_records\":3,\"processed_blocks\":0,\"caught_up\":false,\"last_processed_ts\":\\d+}");
  }

  @Test
  void aSpanInWhichNothingIsFoundIsLeftAtOnce() throws IOException {
    for (int hours = 40; hours >= 0; hours -= 2) {
      old("a", hours * 60L, "keep=" + (hours > 10));
    }
    create("trim", ",'processing_interval':'5h','when':{'&keep':{'$eq':false}}");
    passMillis(TimeUnit.MINUTES.toMillis(10) + 1_000);
    assertThat(timesOf("a")).hasSize(18);
    assertThat(runs("trim"))
        .containsExactly(
            "200 0 more", "200 0 more", "200 0 more", "200 0 more", "200 0 more", "200 3 more");
  }

  @Test
  void recordsThatComeLateAreOldAllTheSame() throws IOException {
    old("a", 90);
    old("a", 0);
    create("trim", ",'processing_interval':'1m'");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
    old("a", 60 * 24 * 20);
    passMinutes(10);
    assertThat(ages("a")).containsExactly(20L);
  }

  @Test
  void conditionAndPatternsChoose() throws IOException {
    old("cam/left", 90, "keep=no");
    old("cam/left", 91, "keep=yes");
    old("cam/left", 92);
    old("cam/right", 90, "keep=no");
    old("imu", 90, "keep=no");
    old("imu", 0);
    create("trim", ",'entries':['cam/*','!cam/right'],'when':{'&keep':{'$eq':'no'}}");
    passMinutes(10);
    assertThat(ages("cam/left")).containsExactly(102L, 101L);
    assertThat(timesOf("cam/right")).hasSize(1);
    assertThat(timesOf("imu")).hasSize(2);
  }

  @Test
  void attachmentsStay() throws IOException {
    old("a", 90);
    old("a/$meta", 90, "key=k");
    old("a", 0);
    create("trim", ",'entries':['a','a/$meta']");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
    assertThat(timesOf("a/$meta")).hasSize(1);
  }

  @Test
  void whatIsOldGoesEvenIfItFillsManyBlocks() throws IOException {
    send("PUT", "b/" + bucket, "{\"max_block_records\":10}");
    for (int i = 0; i < 400; i++) {
      record("a", now() - TimeUnit.HOURS.toMicros(2) + i, "x");
    }
    old("a", 0);
    create("trim", "");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
    assertThat(runs("trim")).containsExactly("200 400 all");
  }

  // ---------------------------------------------------------------- compress

  private static String text(int seed) {
    return ("a line that comes again and again " + seed + "\n").repeat(200);
  }

  @Test
  void oldBlocksAreCompressedAndReadAsBefore() throws Exception {
    send("PUT", "b/" + bucket, "{\"max_block_records\":5}");
    for (int i = 0; i < 20; i++) {
      record("a", now() - TimeUnit.MINUTES.toMicros(120 - i), text(i), "n=" + i);
    }
    old("a", 0);
    String listed = send("GET", "b/" + bucket).text();
    long disk = store.bucket(bucket).diskBytes();
    create("shrink", ",'type':'compress','mode':'dry_run'");
    passMinutes(10);
    assertThat(runs("shrink")).containsExactly("200 20 all");
    // More only when a block was sealed meanwhile, which the store does in its own time.
    assertThat(store.bucket(bucket).diskBytes()).isGreaterThanOrEqualTo(disk);
    mode("shrink", "enabled");
    passMinutes(10);
    assertThat(runs("shrink")).containsExactly("200 20 all", "200 20 all");
    passMinutes(10);
    assertThat(runs("shrink")).endsWith("200 0 all");
    ObjectNode event = events("lifecycle/plant_7/shrink").get(1);
    assertThat(event.get("action_type").textValue()).isEqualTo("compress");
    assertThat(event.get("processed_blocks").asInt()).isEqualTo(4);
    // What is reported is what was stored; what it takes on the device is less.
    assertThat(send("GET", "b/" + bucket).text()).isEqualTo(listed);
    for (int round = 0; round < 2; round++) {
      List<String> times = timesOf("a");
      assertThat(times).hasSize(21);
      for (int i = 0; i < 20; i++) {
        Wire.Answer answer = send("GET", "b/" + bucket + "/a?ts=" + times.get(i));
        assertThat(answer.text()).isEqualTo(text(i));
        assertThat(answer.header("x-reduct-label-n")).hasValue("" + i);
      }
      long id = queryMany("{'query_type':'QUERY','entries':['a'],'when':{'&n':{'$lt':10}}}");
      var all = new StringBuilder();
      for (int i = 0; i < 10; i++) {
        all.append(text(i));
      }
      assertThat(readMany("GET", id).text()).isEqualTo(all.toString());
      restart();
    }
    assertThat(store.bucket(bucket).diskBytes()).isLessThan(disk / 4);
  }

  @Test
  void compressTakesNoCondition() throws IOException {
    assertThat(
            send(
                    "POST",
                    "lifecycles/p",
                    "{\"type\":\"compress\",\"bucket\":\""
                        + bucket
                        + "\",\"older_than\":\"1h\",\"when\":{}}")
                .summary())
        .isEqualTo("422 Lifecycle type 'compress' does not support 'when' condition");
  }

  @Test
  void compressIsNotPausedByTheClock() throws IOException {
    send("PUT", "b/" + bucket, "{\"max_block_records\":2}");
    for (int i = 0; i < 3; i++) {
      record("a", now() - TimeUnit.MINUTES.toMicros(120 - i), text(i));
    }
    create("shrink", ",'type':'compress'");
    clock.jumpWall(TimeUnit.DAYS.toMicros(400));
    passMinutes(10);
    assertThat(runs("shrink")).containsExactly("200 2 all");
  }

  // ---------------------------------------------------------------- modes

  @Test
  void aDryRunOnlyCounts() throws IOException {
    old("a", 90);
    old("a", 0);
    create("trim", ",'mode':'dry_run'");
    passMinutes(20);
    assertThat(timesOf("a")).hasSize(2);
    assertThat(runs("trim")).containsExactly("200 1 all", "200 1 all");
    mode("trim", "enabled");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
  }

  @Test
  void weakness1AModeHoldsFromItsAnswerOn() throws IOException {
    old("a", 90);
    old("a", 0);
    create("trim", "");
    passMinutes(9);
    mode("trim", "dry_run");
    passMinutes(11);
    assertThat(timesOf("a")).hasSize(2);
    mode("trim", "disabled");
    passMinutes(100);
    assertThat(timesOf("a")).hasSize(2);
    assertThat(runs("trim")).containsExactly("200 1 all", "200 1 all");
    old("a", 0);
    mode("trim", "enabled");
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
  }

  /** 5 entries with one old record each, so that a run has several steps. */
  private void beginRun(String members) throws IOException {
    for (int i = 0; i < 5; i++) {
      old("e" + i, 90);
      old("e" + i, 0);
    }
    before = 10;
    create("trim", members);
    runUntilStep();
    assertThat(left()).isEqualTo(9);
  }

  private long left() {
    return store.bucket(bucket).entries().stream().mapToLong(e -> e.info().recordCount()).sum();
  }

  @Test
  void aRunUnderWayStopsWhenItsModeChanges() throws IOException {
    for (String mode : List.of("dry_run", "disabled")) {
      beginRun("");
      mode("trim", mode);
      passMinutes(30);
      assertThat(left()).as(mode).isEqualTo(9);
      assertThat(runs("trim")).contains("409 1 more stopped: the mode was changed");
      send("DELETE", "lifecycles/trim");
      send("DELETE", "b/" + bucket);
      bucket = bucket + "x";
      send("POST", "b/" + bucket);
    }
  }

  @Test
  void aRunUnderWayStopsWhenItsPolicyIsChangedOrRemoved() throws IOException {
    beginRun("");
    send(
        "PUT",
        "lifecycles/trim",
        "{\"type\":\"delete\",\"bucket\":\"" + bucket + "\",\"older_than\":\"30d\"}");
    passMinutes(200);
    assertThat(left()).isEqualTo(9);
    assertThat(runs("trim")).startsWith("409 1 more stopped: the policy was changed");
    send("DELETE", "lifecycles/trim");
    for (int i = 0; i < 5; i++) {
      send("DELETE", "b/" + bucket + "/e" + i);
    }
    beginRun("");
    send("DELETE", "lifecycles/trim");
    passMinutes(200);
    assertThat(left()).isEqualTo(9);
  }

  // ---------------------------------------------------------------- buckets come and go

  @Test
  void aPolicyFollowsItsBucketWhateverThatIsCalled() throws Exception {
    beginRun("");
    send("PUT", "b/" + bucket + "/rename", "{\"new_name\":\"renamed\"}");
    bucket = "renamed";
    passMinutes(10);
    assertThat(left()).isEqualTo(5);
    assertThat(info("trim")).contains("\"bucket\":\"renamed\"").contains("\"is_running\":true");
    restart();
    for (int i = 0; i < 5; i++) {
      old("e" + i, 90);
      old("e" + i, 0);
    }
    passMinutes(11);
    assertThat(left()).isEqualTo(10);
  }

  @Test
  void aPolicyWithoutItsBucketStopsAndSaysSo() throws Exception {
    String was = bucket;
    old("a", 90);
    old("a", 0);
    create("trim", "");
    send("DELETE", "b/" + bucket);
    assertThat(info("trim"))
        .contains("\"is_running\":false")
        .contains("\"obstacle\":\"bucket '" + was + "' does not exist any more\"");
    passMinutes(60);
    assertThat(runs("trim"))
        .containsExactly("404 0 more bucket '" + was + "' does not exist any more");
    // Another bucket of that name is another bucket.
    send("POST", "b/" + bucket);
    old("a", 90);
    old("a", 0);
    passMinutes(60);
    assertThat(timesOf("a")).hasSize(2);
    restart();
    assertThat(info("trim")).contains("\"is_running\":false");
    passMinutes(60);
    assertThat(timesOf("a")).hasSize(2);
    send(
        "PUT",
        "lifecycles/trim",
        "{\"type\":\"delete\",\"bucket\":\""
            + bucket
            + "\",\"older_than\":\"1h\",\"interval\":\"10m\"}");
    old("a", 0);
    passMinutes(10);
    assertThat(ages("a")).containsExactly(10L);
  }

  @Test
  void aBucketThatGoesInTheMiddleEndsTheRun() throws IOException {
    beginRun("");
    send("DELETE", "b/" + bucket);
    passMinutes(30);
    assertThat(runs("trim")).startsWith("409 1 more stopped: the bucket was removed").hasSize(2);
    assertThat(info("trim")).contains("\"is_running\":false");
  }

  // ---------------------------------------------------------------- restart

  @Test
  void aRestartInTheMiddleLosesNothing() throws Exception {
    beginRun("");
    restart();
    assertThat(left()).isEqualTo(9);
    passMinutes(5);
    assertThat(left()).isEqualTo(5);
    assertThat(runs("trim")).containsExactly("409 1 more stopped: the server stops", "200 4 all");
  }

  @Test
  void settingsModeAndProgressSurviveARestartUnderAnotherName() throws Exception {
    for (int hours = 20; hours >= 0; hours -= 2) {
      old("a", hours * 60L);
    }
    create("trim", ",'processing_interval':'5h','mode':'dry_run'");
    passMinutes(10);
    String before = info("trim");
    String mark = events("lifecycle/plant_7/trim").getLast().get("last_processed_ts").asText();
    restart();
    assertThat(info("trim")).isEqualTo(before);
    passMinutes(10);
    long then = events("lifecycle/plant_7/trim").getLast().get("last_processed_ts").asLong();
    assertThat(then).isGreaterThan(Long.parseLong(mark));
    // From the oldest to 5 h behind the mark: dry runs remove nothing.
    assertThat(runs("trim")).containsExactly("200 3 more", "200 6 more");
  }

  @Test
  void aServerThatNeverRunsForAnIntervalGetsItsTurn() throws Exception {
    old("a", 90);
    old("a", 0);
    create("trim", ",'interval':'2h'");
    for (int i = 0; i < 3; i++) {
      passMinutes(50);
      restart();
    }
    old("a", 0);
    passMinutes(2);
    assertThat(timesOf("a")).hasSize(1);
  }

  @Test
  void withoutEventsEverythingIsTheSame() throws Exception {
    for (int hours = 20; hours >= 0; hours -= 2) {
      old("a", hours * 60L);
    }
    try (var silent =
            Server.start(ServerConfig.of(Optional.of(TOKEN)).withClock(clock), chores, () -> {});
        var client = new Wire(silent.port())) {
      silent.open(store);
      client.send(
          Wire.request("POST", "lifecycles/silent")
              .body(
                  "{\"type\":\"delete\",\"bucket\":\""
                      + bucket
                      + "\",\"older_than\":\"1h\",\"interval\":\"10m\",\"processing_interval\":\"5h\"}"));
      passMinutes(20);
      assertThat(timesOf("a")).hasSize(5);
    }
  }

  // ---------------------------------------------------------------- the clock

  @Test
  void nothingGoesWhenTheClockJumpsAhead() throws IOException {
    old("a", 30);
    old("a", 0);
    create("trim", "");
    clock.jumpWall(TimeUnit.DAYS.toMicros(400));
    // Also when records come with the new time.
    old("a", 0);
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(3);
    assertThat(info("trim")).contains("\"obstacle\":\"the clock jumped by 34560000 s\"");
    passMinutes(60);
    assertThat(timesOf("a")).hasSize(3);
    assertThat(runs("trim")).containsExactly("503 0 more paused: the clock jumped by 34560000 s");
    clock.jumpWall(-TimeUnit.DAYS.toMicros(400));
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
    assertThat(info("trim")).doesNotContain("obstacle");
  }

  @Test
  void aClockThatWasSetRightIsBelievedAfterADay() throws IOException {
    old("a", 30);
    create("trim", "");
    clock.jumpWall(TimeUnit.DAYS.toMicros(400));
    for (int i = 0; i < 23; i++) {
      old("fresh", 0);
      passMinutes(60);
    }
    assertThat(timesOf("a")).hasSize(1);
    for (int i = 0; i < 3; i++) {
      old("fresh", 0);
      passMinutes(60);
    }
    assertThat(timesOf("a")).isEmpty();
  }

  @Test
  void aShortJumpIsBelievedAfterAnHour() throws IOException {
    old("a", 30);
    create("trim", "");
    passMinutes(5);
    clock.jumpWall(TimeUnit.HOURS.toMicros(8));
    old("b", 0);
    passMinutes(60);
    assertThat(timesOf("a")).hasSize(1);
    passMinutes(20);
    assertThat(timesOf("a")).isEmpty();
  }

  @Test
  void aJumpBackPausesToo() throws IOException {
    old("a", 600);
    old("a", 0);
    create("trim", "");
    clock.jumpWall(-TimeUnit.MINUTES.toMicros(11));
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(2);
    assertThat(runs("trim")).containsExactly("503 0 more paused: the clock jumped by -660 s");
  }

  @Test
  void aSmallCorrectionIsNoJump() throws IOException {
    old("a", 600);
    old("a", 0);
    create("trim", "");
    clock.jumpWall(TimeUnit.MINUTES.toMicros(9));
    passMinutes(10);
    assertThat(timesOf("a")).hasSize(1);
  }

  @Test
  void aRunUnderWayStopsWhenTheClockJumps() throws IOException {
    beginRun("");
    clock.jumpWall(TimeUnit.DAYS.toMicros(2));
    passMinutes(30);
    assertThat(left()).isEqualTo(9);
    assertThat(runs("trim"))
        .containsExactly(
            "409 1 more stopped: the clock jumped by 172800 s",
            "503 0 more paused: the clock jumped by 172800 s");
  }

  @Test
  void nothingGoesWhenTheClockIsFarPastTheNewestRecord() throws IOException {
    old("a", 30 * 60);
    old("a", 25 * 60);
    create("trim", ",'processing_interval':'100h'");
    passMinutes(20);
    assertThat(timesOf("a")).hasSize(2);
    assertThat(runs("trim").getFirst()).contains("more than a day past the newest record (2025-");
    old("b", 0);
    passMinutes(2);
    assertThat(timesOf("a")).isEmpty();
  }

  @Test
  void nothingGoesBeforeThisProgramWasBuilt() throws Exception {
    clock.jumpWall(-TimeUnit.DAYS.toMicros(365));
    restart();
    old("a", 600);
    old("a", 0);
    create("trim", "");
    passMinutes(30);
    assertThat(timesOf("a")).hasSize(2);
    assertThat(runs("trim").getFirst()).contains("before this program was built");
  }

  @Test
  void whatDestroysNothingIsNotPaused() throws IOException {
    old("a", 600);
    old("a", 0);
    create("trim", ",'mode':'dry_run','processing_interval':'1000d'");
    clock.jumpWall(TimeUnit.DAYS.toMicros(400));
    passMinutes(10);
    assertThat(runs("trim")).containsExactly("200 2 all");
  }

  // ---------------------------------------------------------------- provisioned

  private static LifecycleDeclaration declaration(
      String bucket, LifecycleSettings.Mode mode, boolean modeIsGiven) {
    return new LifecycleDeclaration(
        "given",
        new LifecycleSettings(
            LifecycleSettings.Type.DELETE,
            bucket,
            List.of(),
            "1h",
            "10m",
            Optional.empty(),
            Optional.empty(),
            mode),
        modeIsGiven);
  }

  @Test
  void aProvisionedPolicyKeepsItsSettingsAndLetsItsModeBeChanged() throws Exception {
    declared = List.of(declaration(bucket, LifecycleSettings.Mode.ENABLED, false));
    old("a", 90);
    old("a", 0);
    restart();
    assertThat(info("given")).contains("\"is_provisioned\":true,\"is_running\":true");
    assertThat(
            send(
                    "PUT",
                    "lifecycles/given",
                    "{\"type\":\"delete\",\"bucket\":\"" + bucket + "\",\"older_than\":\"2h\"}")
                .summary())
        .isEqualTo("409 Can't update provisioned lifecycle 'given'");
    assertThat(send("DELETE", "lifecycles/given").summary())
        .isEqualTo("409 Can't remove provisioned lifecycle 'given'");
    mode("given", "disabled");
    restart();
    assertThat(info("given")).contains("\"mode\":\"disabled\"");
    declared = List.of(declaration(bucket, LifecycleSettings.Mode.DRY_RUN, true));
    restart();
    assertThat(info("given")).contains("\"mode\":\"dry_run\"");
    declared = List.of();
    restart();
    assertThat(info("given")).contains("\"is_provisioned\":false").contains("dry_run");
    assertThat(send("DELETE", "lifecycles/given").status()).isEqualTo(200);
  }

  @Test
  void aProvisionedPolicyWithoutItsBucketDoesNotPreventTheStart() throws Exception {
    declared = List.of(declaration("missing", LifecycleSettings.Mode.ENABLED, false));
    restart();
    assertThat(info("given")).contains("\"is_running\":false").contains("'missing'");
    send("POST", "b/missing");
    restart();
    assertThat(info("given")).contains("\"is_running\":true");
  }
}
