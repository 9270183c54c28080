package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.client.ClientException;
import io.pannier.client.Coding;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.History;
import io.pannier.store.NewRecord;
import io.pannier.store.TestStores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a task does, one thing at a time; among it the weaknesses 30 to 39 of the reference. */
class ReplicationTest {
  private final Robot robot = new Robot(11);

  private Bucket bucket() {
    return robot.store.bucket(Robot.SOURCE);
  }

  private void begin(String when, String... entries) {
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    robot.replications.create(Robot.TASK, Robot.settings(when, entries));
    robot.pass(1000);
  }

  private void write(String entry, long time, String... labels) {
    bucket().entryForWrite(entry).write(TestStores.record(time, entry + time, labels));
  }

  private boolean isThere(String entry, long time) {
    return robot.destination.record(entry, time).isPresent();
  }

  /** A fault that strikes a number of times. */
  private static final class Times implements MemoryDestination.Fault {
    private final ClientException error;
    private final boolean afterStoring;
    private int left;

    Times(int times, ClientException error, boolean afterStoring) {
      this.left = times;
      this.error = error;
      this.afterStoring = afterStoring;
    }

    private void strike() {
      if (left-- > 0) {
        throw error;
      }
    }

    @Override
    public void before() {
      if (!afterStoring) {
        strike();
      }
    }

    @Override
    public void after() {
      if (afterStoring) {
        strike();
      }
    }
  }

  private static final ClientException DOWN =
      new ClientException.Unreachable("no link", new java.io.IOException());

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 403, 404, 429, 500, 502, 503, 504, 507})
  void weakness30aRefusedRequestIsTriedAgain(int status) {
    begin("");
    robot.destination.fault =
        new Times(3, new ClientException.Refused(status, "not now", 0), false);
    write("e", 1);
    robot.pass(60_000);
    assertThat(isThere("e", 1)).isTrue();
    assertThat(robot.pending()).isZero();
    assertThat(robot.detail().diagnostics().errors()).containsKey(status);
  }

  @Test
  void weakness30aLostAnswerIsNoLossAndNoError() {
    begin("");
    robot.destination.fault = new Times(2, new ClientException.Broken("cut", null), true);
    for (int i = 1; i <= 5; i++) {
      write("e", i);
    }
    robot.pass(60_000);
    assertThat(robot.destination.entries.get("e")).hasSize(5);
    assertThat(robot.pending()).isZero();
    assertThat(robot.detail().diagnostics().refusedRecords()).isZero();
  }

  @Test
  void weakness30aRecordThatIsRefusedForNowComesLater() {
    begin("");
    robot.destination.fault =
        new MemoryDestination.Fault() {
          private int left = 4;

          @Override
          public Optional<ClientException.Refused> ofRecord() {
            return left-- > 0
                ? Optional.of(new ClientException.Refused(400, "Quota of 'dst' exceeded", 0))
                : Optional.empty();
          }
        };
    write("e", 1);
    write("f", 1);
    robot.pass(300_000);
    assertThat(isThere("e", 1) && isThere("f", 1)).isTrue();
  }

  @Test
  void weakness33aDestinationThatIsNotFoundForAWhileIsToldWhichLabelsWentAllTheSame() {
    begin("");
    write("e", 1, "a", "1", "b", "2");
    robot.pass(1000);
    bucket().entry("e").updateLabels(1, Labels.of("a", ""));
    robot.destination.fault =
        new Times(1, new ClientException.Refused(404, "no such route", 0), false);
    robot.pass(60_000);
    assertThat(robot.destination.record("e", 1).orElseThrow().labels)
        .isEqualTo(Labels.of("b", "2"));
    assertThat(robot.pending()).isZero();
  }

  @Test
  void weakness31aKillRightAfterTheCommitLosesNothing() {
    begin("{'$each_n': 2}");
    for (int i = 1; i <= 9; i++) {
      write("e", i);
      robot.kill();
    }
    robot.pass(10_000);
    assertThat(robot.destination.entries.get("e").keySet()).containsExactly(2L, 4L, 6L, 8L);
  }

  private void damageState(String... copies) throws IOException {
    robot.pass(10_000); // it is saved
    robot.replications.close();
    robot.store.close();
    robot.disk = robot.disk.kill();
    for (String copy : copies) {
      robot.disk.flip("c/replication-1." + copy, 70, 8);
    }
    robot.start();
  }

  @Test
  void weakness32aDamagedStateIsTakenFromItsOtherCopy() throws IOException {
    begin("");
    write("e", 1);
    robot.pass(1000);
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e", 2);
    damageState("a");
    assertThat(robot.pending()).isEqualTo(1);
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(isThere("e", 2)).isTrue();
  }

  @Test
  void weakness32aStateThatIsLostCostsNoRecordAndNoStart() throws IOException {
    begin("");
    write("e", 1);
    robot.pass(1000);
    robot.destination.fault = new Times(1000, DOWN, false);
    for (int i = 2; i <= 20; i++) {
      write("e", i);
    }
    damageState("a", "b");
    // It goes through all of them once more: what is there already is known there.
    assertThat(robot.pending()).isEqualTo(20);
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(robot.pending()).isZero();
    assertThat(robot.destination.entries.get("e")).hasSize(20);
    assertThat(robot.detail().diagnostics().refusedRecords()).isZero();
  }

  @Test
  void olderFiltersCompareTheStoredText() {
    // As the configuration writes RS_REPLICATION_…_INCLUDE_robot=07 and …_EXCLUDE_dull=yes.
    begin(
        "{'$and': [{'$and': [{'$exists': 'robot'}, {'$eq': [{'$text': '&robot'}, '07']}]},"
            + " {'$not': [{'$and': [{'$and': [{'$exists': 'dull'},"
            + " {'$eq': [{'$text': '&dull'}, 'yes']}]}]}]}]}");
    write("e", 1, "robot", "07");
    write("e", 2, "robot", "7");
    write("e", 3, "robot", "07", "dull", "yes");
    write("e", 4, "robot", "07", "dull", "YES");
    write("e", 5, "other", "07");
    robot.pass(1000);
    assertThat(robot.destination.entries.get("e")).containsOnlyKeys(1L, 4L);
  }

  @Test
  void oneRecordInSoManySecondsIsCounted() {
    begin("{'$each_t': 1}");
    for (int i = 0; i < 50; i++) {
      write("e", 1_000_000 + i * 100_000L);
    }
    robot.kill(); // the operator remembers
    for (int i = 50; i < 100; i++) {
      write("e", 1_000_000 + i * 100_000L);
    }
    robot.pass(1000);
    assertThat(robot.destination.entries.get("e").size()).isBetween(9, 11);
  }

  @Test
  void whatStandsAroundAMatchComesWithIt() {
    begin("{'&hit': {'$eq': 1}, '#ctx_before': '2s', '#ctx_after': 1}");
    for (int i = 1; i <= 10; i++) {
      write("e", i * 1_000_000L, "hit", i == 6 ? "1" : "0");
    }
    robot.pass(1000);
    assertThat(robot.destination.entries.get("e"))
        .containsOnlyKeys(4_000_000L, 5_000_000L, 6_000_000L, 7_000_000L);
  }

  @Test
  void namesGetThePrefix() {
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    ReplicationSettings usual = Robot.settings("");
    robot.replications.create(
        Robot.TASK,
        new ReplicationSettings(
            usual.sourceBucket(),
            usual.destinationBucket(),
            usual.destinationHost(),
            usual.destinationToken(),
            usual.entries(),
            "/fleet/robot1/",
            usual.when(),
            usual.mode(),
            Coding.NONE,
            usual.start(),
            0));
    write("cam/front", 1);
    robot.pass(1000);
    assertThat(robot.destination.entries).containsOnlyKeys("fleet/robot1/cam/front");
  }

  @Test
  void weakness33RemovedLabelsAreRemovedThere() {
    begin("");
    write("e", 1, "a", "1", "b", "2");
    robot.pass(1000);
    bucket().entry("e").updateLabels(1, Labels.of("a", ""));
    bucket().entry("e").updateLabels(1, Labels.of("c", "3"));
    robot.pass(1000);
    assertThat(robot.destination.record("e", 1).orElseThrow().labels)
        .isEqualTo(Labels.of("b", "2", "c", "3"));
  }

  @Test
  void weakness33aRemovedLabelSurvivesAKill() {
    begin("");
    write("e", 1, "a", "1", "b", "2");
    robot.pass(10_000);
    robot.destination.fault = new Times(1000, DOWN, false);
    bucket().entry("e").updateLabels(1, Labels.of("a", ""));
    robot.pass(10_000);
    robot.kill();
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(robot.destination.record("e", 1).orElseThrow().labels)
        .isEqualTo(Labels.of("b", "2"));
  }

  @Test
  void weakness34aChangeThatChangesNothingIsNotSent() {
    begin("");
    write("e", 1, "a", "1");
    robot.pass(1000);
    bucket().entry("e").updateLabels(1, Labels.of("a", "1", "gone", ""));
    robot.pass(1000);
    assertThat(robot.destination.updates).isZero();
  }

  @Test
  void weakness35PendingAttachmentsSurviveARestart() {
    begin("{'&never': {'$eq': 1}}");
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e/$meta", 1, "key", "k");
    robot.pass(1000);
    robot.stop();
    assertThat(robot.pending()).isEqualTo(1);
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(isThere("e/$meta", 1)).isTrue();
  }

  @Test
  void weakness36PendingRecordsFollowARenameOfEntryAndBucket() {
    begin("");
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e", 1);
    robot.pass(1000);
    bucket().renameEntry("e", "f");
    robot.store.renameBucket(Robot.SOURCE, "other");
    robot.stop();
    assertThat(robot.pending()).isEqualTo(1);
    assertThat(robot.detail().settings().sourceBucket()).isEqualTo("other");
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(isThere("f", 1)).isTrue();
    robot.store.bucket("other").entry("f").write(TestStores.record(2, "x"));
    robot.pass(1000);
    assertThat(isThere("f", 2)).isTrue();
  }

  @Test
  void weakness36aTaskOutlivesItsSourceAndFollowsANewOneOfThatName() {
    begin("");
    write("e", 1);
    robot.pass(1000);
    robot.store.removeBucket(Robot.SOURCE);
    robot.pass(2000);
    assertThat(robot.detail().info().active()).isFalse();
    assertThat(robot.pending()).isZero();
    robot.stop();
    assertThat(robot.replications.list()).hasSize(1);
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    write("e", 2);
    robot.pass(5000);
    assertThat(isThere("e", 2)).isTrue();
  }

  @Test
  void weakness37WhatIsEvictedUnsentIsCounted() {
    robot.store.createBucket(
        Robot.SOURCE, new BucketSettings(QuotaType.FIFO, 8000, 64_000_000, 10, null));
    robot.replications.create(Robot.TASK, Robot.settings(""));
    robot.destination.fault = new Times(100_000, DOWN, false);
    for (int i = 1; i <= 200; i++) {
      write("e", i);
      robot.pass(100);
    }
    long left = bucket().entry("e").info().recordCount();
    assertThat(robot.pending()).isEqualTo(left);
    assertThat(robot.detail().diagnostics().lostRecords()).isEqualTo(200 - left);
    robot.kill();
    robot.pass(100);
    assertThat(robot.pending()).isEqualTo(left);
    assertThat(robot.detail().diagnostics().lostRecords()).isEqualTo(200 - left);
  }

  @Test
  void weakness37NumbersOfTheHourAreNotExtrapolated() {
    begin("");
    for (int i = 1; i <= 3; i++) {
      write("e", i);
    }
    robot.pass(1000);
    assertThat(robot.detail().diagnostics().ok()).isEqualTo(3);
    robot.pass(61 * 60_000);
    assertThat(robot.detail().diagnostics().ok()).isZero();
  }

  @Test
  void weakness38aNewTaskMayBeginWithTheOldestRecord() {
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    for (int i = 1; i <= 5; i++) {
      write("e", i);
    }
    robot.replications.create("now", Robot.settings(""));
    assertThat(robot.replications.get("now").info().pendingRecords()).isZero();
    robot.replications.create("oldest", from(new ReplicationStart.Oldest()));
    assertThat(robot.replications.get("oldest").info().pendingRecords()).isEqualTo(5);
    robot.replications.create("time", from(new ReplicationStart.From(4)));
    assertThat(robot.replications.get("time").info().pendingRecords()).isEqualTo(2);
    robot.pass(1000);
    assertThat(robot.destination.entries.get("e")).hasSize(5);
  }

  private static ReplicationSettings from(ReplicationStart start) {
    ReplicationSettings usual = Robot.settings("");
    return new ReplicationSettings(
        usual.sourceBucket(),
        usual.destinationBucket(),
        usual.destinationHost(),
        usual.destinationToken(),
        usual.entries(),
        usual.destinationPrefix(),
        usual.when(),
        usual.mode(),
        Coding.ZSTD,
        start,
        0);
  }

  @Test
  void weakness39aPausedTaskLeavesTheDestinationAlone() {
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    robot.replications.create(Robot.TASK, Robot.settings("").withMode(ReplicationMode.PAUSED));
    write("e", 1);
    robot.pass(60_000);
    assertThat(robot.destination.opened).isZero();
    assertThat(robot.pending()).isEqualTo(1);
    robot.replications.mode(Robot.TASK, ReplicationMode.ENABLED);
    robot.pass(1000);
    assertThat(isThere("e", 1)).isTrue();
  }

  @Test
  void aDisabledTaskForgetsWhatComesMeanwhile() {
    begin("");
    robot.replications.mode(Robot.TASK, ReplicationMode.DISABLED);
    write("e", 1);
    write("new", 1);
    robot.stop();
    robot.replications.mode(Robot.TASK, ReplicationMode.ENABLED);
    write("e", 2);
    robot.pass(1000);
    assertThat(robot.destination.entries.get("e").keySet()).containsExactly(2L);
    assertThat(robot.destination.entries).doesNotContainKey("new");
  }

  @Test
  void aRecordThatIsLabelledLaterIsChosenThen() {
    begin("{'&keep': {'$eq': true}}");
    write("e", 1, "keep", "false");
    robot.pass(1000);
    assertThat(isThere("e", 1)).isFalse();
    bucket().entry("e").updateLabels(1, Labels.of("keep", "true"));
    robot.pass(1000);
    assertThat(isThere("e", 1)).isTrue();
    bucket().entry("e").updateLabels(1, Labels.of("keep", "false"));
    robot.pass(1000);
    assertThat(robot.destination.record("e", 1).orElseThrow().labels)
        .isEqualTo(Labels.of("keep", "false"));
  }

  @Test
  void patternsChooseEntries() {
    begin("", "cam-*", "!cam-2");
    for (String entry : List.of("cam-1", "cam-2", "imu", "cam-1/$meta", "imu/$meta")) {
      write(entry, 1, "key", "k");
    }
    robot.pass(1000);
    assertThat(robot.destination.entries.keySet()).containsExactly("cam-1", "cam-1/$meta");
  }

  @Test
  void aRecordThatIsMalformedThereIsGivenUpAndTheOthersArrive() {
    begin("");
    robot.destination.fault =
        new MemoryDestination.Fault() {
          private int seen;

          @Override
          public Optional<ClientException.Refused> ofRecord() {
            return ++seen == 2
                ? Optional.of(new ClientException.Refused(422, "malformed", 0))
                : Optional.empty();
          }
        };
    for (int i = 1; i <= 4; i++) {
      write("e", i);
    }
    robot.pass(10_000);
    assertThat(robot.destination.entries.get("e").keySet()).containsExactly(1L, 3L, 4L);
    assertThat(robot.pending()).isZero();
    assertThat(robot.detail().diagnostics().refusedRecords()).isEqualTo(1);
    assertThat(robot.detail().diagnostics().errors().get(422).lastMessage()).isEqualTo("malformed");
  }

  @Test
  void aLargeRecordTravelsAlone() {
    begin("");
    byte[] large = new byte[(1 << 20) + 17];
    new Random(4).nextBytes(large);
    write("e", 1);
    bucket().entry("e").write(new NewRecord(2, "image/png", Labels.EMPTY, ByteBuffer.wrap(large)));
    write("e", 3);
    robot.pass(1000);
    assertThat(robot.destination.record("e", 2).orElseThrow().body).isEqualTo(large);
    assertThat(robot.destination.entries.get("e")).hasSize(3);
  }

  @Test
  void compressionIsForThoseWhoTakeIt() {
    robot.destination.minor = 20;
    robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
    robot.replications.create(Robot.TASK, from(new ReplicationStart.Now()));
    write("e", 1);
    robot.pass(1000);
    assertThat(robot.destination.codings).containsOnlyKeys(Coding.NONE);
    robot.destination.minor = 21;
    robot.stop();
    write("e", 2);
    robot.pass(1000);
    assertThat(robot.destination.codings).containsKey(Coding.ZSTD);
  }

  @Test
  void otherSettingsKeepWhatIsPendingAndTheToken() {
    begin("");
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e", 1);
    robot.replications.update(
        Robot.TASK, Robot.settings("{'&never': {'$eq': 1}}").withToken(Optional.empty()));
    write("e", 2);
    assertThat(robot.pending()).isEqualTo(1);
    robot.destination.fault = MemoryDestination.NONE;
    robot.pass(10_000);
    assertThat(robot.destination.entries.get("e").keySet()).containsExactly(1L);
    robot.stop();
    assertThat(robot.detail().settings().when()).isPresent();
  }

  @Test
  void aRemovedTaskIsForgotten() {
    begin("");
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e", 1);
    robot.replications.remove(Robot.TASK);
    robot.stop();
    assertThat(robot.replications.list()).isEmpty();
    assertThatThrownBy(() -> robot.replications.get(Robot.TASK))
        .isInstanceOf(PannierException.NotFound.class);
    robot.replications.create(Robot.TASK, Robot.settings(""));
    assertThat(robot.pending()).isZero();
  }

  @Test
  void aRemovedEntryTakesItsPendingRecordsWithIt() {
    begin("");
    robot.destination.fault = new Times(1000, DOWN, false);
    write("e", 1);
    write("f", 1);
    robot.pass(1000);
    bucket().removeEntry("e");
    assertThat(robot.pending()).isEqualTo(1);
    assertThat(robot.detail().diagnostics().lostRecords()).isZero();
  }

  @Test
  void changesOfManyBlocksAreJudgedInTheOrderOfCommits() {
    robot.store.createBucket(
        Robot.SOURCE, new BucketSettings(QuotaType.NONE, 0, 64_000_000, 4, null));
    robot.replications.create(Robot.TASK, Robot.settings("{'$each_n': 2}"));
    // Belated ones go to a block of their own.
    long[] times = {10, 11, 12, 13, 14, 5, 15, 6, 16, 7, 17, 18};
    for (long time : times) {
      write("e", time);
    }
    robot.pass(10_000);
    assertThat(robot.destination.entries.get("e").keySet())
        .containsExactlyInAnyOrder(11L, 13L, 5L, 6L, 7L, 18L);
  }

  @Test
  void aRewriteForgetsNothingThatIsNotJudged() {
    robot.store.createBucket(
        Robot.SOURCE, new BucketSettings(QuotaType.NONE, 0, 64_000_000, 4, null));
    robot.replications.create(Robot.TASK, Robot.settings("{'$each_n': 2}"));
    for (int i = 1; i <= 8; i++) {
      bucket().entryForWrite("e").write(TestStores.record(i, "body ".repeat(400), "a", "1"));
    }
    robot.stores.scheduler.runDue();
    Entry entry = bucket().entry("e");
    entry.updateLabels(4, Labels.of("a", ""));
    entry.remove(1);
    entry.remove(3);
    // The first block is rewritten, as half of it is dead, and the process dies behind that.
    robot.stores.scheduler.runDue();
    assertThat(new History(entry).after(0, 100, true).events())
        .extracting(History.Event::sequence)
        .doesNotContain(1L, 3L, 9L);
    robot.kill();
    robot.pass(10_000);
    assertThat(robot.destination.entries.get("e").keySet()).containsExactly(2L, 4L, 6L, 8L);
    assertThat(robot.destination.record("e", 4).orElseThrow().labels).isEqualTo(Labels.EMPTY);
  }
}
