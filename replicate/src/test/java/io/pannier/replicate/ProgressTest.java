package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.pannier.client.ClientException;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.QuotaType;
import io.pannier.store.Bucket;
import io.pannier.store.NewRecord;
import io.pannier.store.TestStores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a task tells about its backlog, and when it warns. */
class ProgressTest {
  private final Robot robot = new Robot(21);

  /** Whether there is a link. */
  private boolean linked;

  private final MemoryDestination.Fault link =
      new MemoryDestination.Fault() {
        @Override
        public void before() {
          if (!linked) {
            throw new ClientException.Unreachable("no link", new IOException());
          }
        }
      };

  private Bucket bucket() {
    return robot.store.bucket(Robot.SOURCE);
  }

  private void begin(QuotaType quota, long size, String when) {
    robot.destination.fault = link;
    robot.store.createBucket(Robot.SOURCE, new BucketSettings(quota, size, 64_000_000, 10, null));
    robot.replications.create(Robot.TASK, Robot.settings(when));
    robot.pass(1000);
  }

  private void write(long time, int length, String... labels) {
    bucket()
        .entryForWrite("e")
        .write(new NewRecord(time, "", Labels.of(labels), ByteBuffer.wrap(new byte[length])));
  }

  private Progress progress() {
    return robot.detail().progress();
  }

  @Test
  void pendingRecordsBytesAndChangesAreExact() {
    linked = true;
    begin(QuotaType.NONE, 0, "{'&keep': {'$eq': true}}");
    write(1, 100, "keep", "true");
    robot.pass(6000);
    linked = false;
    write(2, 200, "keep", "true");
    write(3, 300, "keep", "false");
    write(4, 400, "keep", "true");
    write(5, 500, "keep", "true");
    bucket().entry("e").updateLabels(1, Labels.of("x", "1"));
    bucket().entry("e").updateLabels(3, Labels.of("keep", "true"));
    bucket().entry("e").remove(4);
    robot.detail();
    assertThat(progress().pendingRecords()).isEqualTo(3);
    assertThat(progress().pendingBytes()).isEqualTo(200 + 300 + 500);
    assertThat(progress().pendingChanges()).isEqualTo(1);
    assertThat(progress().oldestTimestamp()).hasValue(2);
    long before = robot.stores.clock.wallMicros();
    assertThat(progress().oldestAgeSeconds().orElseThrow()).isGreaterThan(before / 1e6 - 1);
    robot.kill();
    robot.pass(100);
    assertThat(progress().pendingBytes()).isEqualTo(1000);
    linked = true;
    robot.pass(60_000);
    assertThat(progress().pendingBytes()).isZero();
    Diagnostics.Totals totals = robot.detail().diagnostics().totals();
    assertThat(totals.sentBytes()).isEqualTo(1100);
    assertThat(totals.lostBytes()).isZero();
  }

  @Test
  void lossIsForeseenWarnedOfOnceAndToldExactly() {
    begin(QuotaType.FIFO, 200_000, "");
    int second = 0;
    for (; second < 60; second++) {
      write(1 + second, 1000);
      robot.pass(1000);
    }
    Forecast forecast = progress().forecast();
    assertThat(forecast.bytesIn()).isBetween(900.0, 1100.0);
    assertThat(forecast.evictionSeconds().orElseThrow()).isBetween(80.0, 200.0);
    assertThat(forecast.lossSeconds().orElseThrow())
        .isCloseTo(forecast.evictionSeconds().orElseThrow(), offset(1e-6));
    assertThat(forecast.catchUpSeconds()).isEmpty();
    assertThat(robot.warnings).hasSize(1).first().isInstanceOf(ReplicationWarning.LossAhead.class);
    for (; second < 500; second++) {
      write(1 + second, 1000);
      robot.pass(1000);
    }
    assertThat(robot.warnings.stream().filter(ReplicationWarning.LossAhead.class::isInstance))
        .hasSize(1);
    linked = true;
    robot.pass(200_000);
    assertThat(progress().pendingRecords()).isZero();
    Diagnostics.Totals totals = robot.detail().diagnostics().totals();
    long missing = 500L - robot.destination.entries.get("e").size();
    assertThat(totals.lostRecords()).isEqualTo(missing).isPositive();
    assertThat(totals.lostBytes()).isEqualTo(1000 * missing);
    assertThat(lost().stream().mapToLong(ReplicationWarning.Lost::records).sum())
        .isEqualTo(missing);
    assertThat(lost().stream().mapToLong(ReplicationWarning.Lost::bytes).sum())
        .isEqualTo(1000 * missing);
    // At most one a minute, whatever is lost every second.
    assertThat(lost()).hasSizeBetween(2, 8);
    // The danger was over: the next one is told again.
    linked = false;
    for (; second < 700; second++) {
      write(1 + second, 1000);
      robot.pass(1000);
    }
    assertThat(robot.warnings.stream().filter(ReplicationWarning.LossAhead.class::isInstance))
        .hasSize(2);
  }

  private List<ReplicationWarning.Lost> lost() {
    return robot.warnings.stream()
        .filter(ReplicationWarning.Lost.class::isInstance)
        .map(ReplicationWarning.Lost.class::cast)
        .toList();
  }

  @Test
  void bytesLostWhileAProcessWasKilledAreCountedToo() {
    begin(QuotaType.FIFO, 20_000, "");
    var random = new Random(3);
    long time = 1;
    for (int life = 0; life < 30; life++) {
      for (int i = random.nextInt(12); i >= 0; i--) {
        write(time++, 700);
        robot.pass(random.nextInt(300));
      }
      robot.kill();
    }
    robot.pass(1000);
    long here = bucket().entry("e").info().recordCount();
    Diagnostics.Totals totals = robot.detail().diagnostics().totals();
    assertThat(progress().pendingRecords()).isEqualTo(here);
    assertThat(progress().pendingBytes()).isEqualTo(700 * here);
    assertThat(totals.lostRecords()).isEqualTo(time - 1 - here).isPositive();
    assertThat(totals.lostBytes()).isEqualTo(700 * totals.lostRecords());
  }

  @Test
  void whatWentWrongLastIsToldWithItsTime() {
    begin(QuotaType.NONE, 0, "");
    robot.pass(60_000);
    write(1, 10);
    long before = robot.stores.clock.wallMicros();
    robot.pass(6000);
    Diagnostics.LastError error = robot.detail().diagnostics().lastError().orElseThrow();
    assertThat(error.code()).isEqualTo(-3);
    assertThat(error.message()).isEqualTo("no link");
    assertThat(error.wallMicros()).isBetween(before, before + 6_000_000);
    linked = true;
    robot.pass(10_000);
    assertThat(robot.detail().info().active()).isTrue();
    assertThat(robot.detail().diagnostics().lastError()).contains(error);
    assertThat(robot.detail().destination().orElseThrow().apiMinor()).isEqualTo(21);
  }

  @Test
  void aLargeRecordGoesOnWhereALinkHasBroken() {
    linked = true;
    begin(QuotaType.NONE, 0, "");
    byte[] large = new byte[3_000_000];
    new Random(4).nextBytes(large);
    var cuts = new Random(9);
    robot.destination.fault =
        new MemoryDestination.Fault() {
          @Override
          public long cut(long length) {
            return length > 100_000 ? cuts.nextInt(100_000) : -1;
          }
        };
    bucket()
        .entryForWrite("e")
        .write(new NewRecord(1, "image/png", Labels.of("n", "1"), ByteBuffer.wrap(large)));
    robot.pass(20_000);
    // In the middle of it the labels change and the process dies.
    bucket().entry("e").updateLabels(1, Labels.of("n", "2", "m", "3"));
    robot.kill();
    robot.pass(600_000);
    assertThat(robot.pending()).isZero();
    MemoryDestination.Stored there = robot.destination.record("e", 1).orElseThrow();
    assertThat(there.body).isEqualTo(large);
    assertThat(there.labels).isEqualTo(Labels.of("n", "2", "m", "3"));
    // A cut costs what was on its way at most, which is nothing here: no byte came twice.
    assertThat(robot.destination.received).isEqualTo(large.length);
    assertThat(robot.detail().diagnostics().totals().resumedBytes())
        .isBetween(2_000_000L, 3_000_000L);
    assertThat(robot.destination.parts).isEmpty();
  }

  @Test
  void withoutUploadsInPartsALargeRecordIsSentAsAWhole() {
    linked = true;
    robot.destination.takesUploads = false;
    begin(QuotaType.NONE, 0, "");
    write(1, 500_000);
    robot.pass(10_000);
    assertThat(robot.destination.record("e", 1)).isPresent();
    assertThat(robot.detail().diagnostics().totals().resumedBytes()).isZero();
    assertThat(TestStores.bytes(bucket().entry("e").find(1))).hasSize(500_000);
  }
}
