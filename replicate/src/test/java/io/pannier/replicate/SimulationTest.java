package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.ClientException;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.StoredRecord;
import io.pannier.store.TestStores;
import io.pannier.store.TimeRange;
import io.pannier.store.Upload;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A robot that records, a link that breaks, a process that dies, all in one thread and from one
 * seed. At rest the destination holds exactly what a model selects that judges each record when it
 * is written.
 */
class SimulationTest {
  private static final int SEEDS = 120;
  private static final int STEPS = 150;

  /** Thrown where the process dies in the middle of a call. */
  private static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** A record as the model has it. */
  private static final class Expected {
    final byte[] body;
    Labels labels;
    boolean selected;
    boolean removed;

    /** Changed while nothing was collected: the destination may have older labels. */
    boolean unfollowed;

    Expected(byte[] body, Labels labels) {
      this.body = body;
      this.labels = labels;
    }
  }

  /** An entry as the model has it. */
  private static final class Source {
    String name;
    final Set<String> names = new LinkedHashSet<>();
    final Map<Long, Expected> records = new TreeMap<>();
    int judged;
    int following;
    final List<Expected> passed = new ArrayList<>();

    Source(String name) {
      this.name = name;
      names.add(name);
    }
  }

  private enum Condition {
    ALL(""),
    KEEP("{'&keep': {'$eq': true}}"),
    EACH("{'$each_n': 3}"),
    CONTEXT("{'&keep': {'$eq': true}, '#ctx_before': 2, '#ctx_after': 1}");

    final String text;

    Condition(String text) {
      this.text = text;
    }
  }

  /** One run. */
  private static final class Run {
    final Random random;
    final Robot robot;
    final Condition condition;
    final boolean kills;
    final boolean faults;
    final boolean evicts;
    final List<Source> sources = new ArrayList<>();
    ReplicationMode mode = ReplicationMode.ENABLED;
    String bucket = Robot.SOURCE;
    boolean linked = true;
    boolean calm;
    int nextName;
    long nextTime = 1000;

    /** What has to be asked of the store once it is open again: the process died within it. */
    final List<Runnable> unsure = new ArrayList<>();

    int unclear;

    Run(long seed) {
      random = new Random(seed);
      condition = List.of(Condition.values()).get((int) (seed % 4));
      kills = random.nextInt(3) > 0;
      faults = random.nextInt(3) > 0;
      evicts = random.nextBoolean();
      robot = new Robot(seed * 1000);
      robot.destination.takesUploads = random.nextInt(3) > 0;
      robot.store.createBucket(
          bucket,
          new BucketSettings(
              evicts ? QuotaType.FIFO : QuotaType.NONE, 12_000, 64_000_000, 12, null));
      robot.replications.create(Robot.TASK, Robot.settings(condition.text));
      for (String name : List.of("a", "a/b", "cam")) {
        sources.add(new Source(name));
      }
      robot.destination.fault = new RandomFault();
    }

    /** What can go wrong, by chance. */
    final class RandomFault implements MemoryDestination.Fault {
      @Override
      public void before() {
        if (calm) {
          return;
        }
        if (!linked) {
          throw new ClientException.Unreachable("no link", new java.io.IOException());
        }
        if (faults && random.nextInt(12) == 0) {
          throw new ClientException.Refused(random.nextBoolean() ? 503 : 401, "not now", 0);
        }
        if (random.nextInt(6) == 0) {
          source(); // robots do not stop while something is sent
        }
        if (kills && random.nextInt(60) == 0) {
          throw new Killed();
        }
      }

      @Override
      public int arriving(int records) {
        return !calm && faults && random.nextInt(8) == 0 ? random.nextInt(records) : -1;
      }

      @Override
      public long cut(long length) {
        return !calm && faults && random.nextInt(3) > 0 ? random.nextInt((int) length + 1) : -1;
      }

      @Override
      public Optional<ClientException.Refused> ofRecord() {
        return !calm && faults && random.nextInt(30) == 0
            ? Optional.of(new ClientException.Refused(507, "full", 0))
            : Optional.empty();
      }

      @Override
      public void after() {
        if (calm) {
          return;
        }
        if (random.nextInt(6) == 0) {
          source();
        }
        if (faults && random.nextInt(8) == 0) {
          throw new ClientException.Broken("answer was lost", null);
        }
        if (kills && random.nextInt(40) == 0) {
          throw new Killed();
        }
      }
    }

    void step() {
      if (kills && random.nextInt(12) == 0) {
        robot.dieAt(1 + random.nextInt(40));
      }
      try {
        int what = random.nextInt(100);
        if (what < 62) {
          source();
        } else if (what < 84) {
          robot.pass(random.nextInt(random.nextBoolean() ? 50 : 3000));
        } else if (what < 89) {
          linked = !linked;
        } else if (what < 93) {
          mode(List.of(ReplicationMode.values()).get(random.nextInt(3)));
        } else if (what < 95) {
          robot.stop();
        } else if (what < 97) {
          renameBucket();
        } else if (kills) {
          robot.killTwice(random.nextInt(200));
        }
      } catch (Killed killed) {
        robot.kill();
      }
      if (robot.isDead()) {
        robot.kill();
      }
      unsure.forEach(Runnable::run);
      unsure.clear();
    }

    /** Does something that may end with the life of the process; then it is looked at later. */
    private boolean doing(Runnable what, Runnable later) {
      try {
        what.run();
        return true;
      } catch (PannierException.NotFound | PannierException.Unavailable none) {
        // Evicted, or there is no room because everything else in the ring is gone already.
      } catch (PannierException failed) {
        if (!robot.isDead()) {
          throw failed;
        }
      }
      if (robot.isDead()) {
        unsure.add(later);
      }
      return false;
    }

    private void renameBucket() {
      String next = "src" + nextName++;
      Runnable done = () -> bucket = next;
      if (doing(
          () -> robot.store.renameBucket(bucket, next),
          () -> {
            if (robot.store.findBucket(next).isPresent()) {
              done.run();
            }
          })) {
        done.run();
      }
    }

    void mode(ReplicationMode next) {
      if (doing(
          () -> robot.replications.mode(Robot.TASK, next),
          () -> mode = robot.detail().info().mode())) {
        mode = next;
      }
    }

    /** Something happens at the source. */
    void source() {
      if (robot.isDead()) {
        return;
      }
      Source source = sources.get(random.nextInt(sources.size()));
      int what = random.nextInt(100);
      if (what < 65) {
        for (int left = 1 + random.nextInt(4); left > 0; left--) {
          write(source);
        }
      } else if (what < 85) {
        relabel(source);
      } else if (what < 95) {
        remove(source);
      } else if (!source.records.isEmpty() && !source.name.contains("/")) {
        rename(source);
      }
    }

    void write(Source source) {
      // Now and then a belated one.
      long time = random.nextInt(8) == 0 ? 1 + random.nextInt(900) : nextTime++;
      if (source.records.containsKey(time)) {
        return;
      }
      byte[] body = new byte[random.nextInt(250)];
      random.nextBytes(body);
      Labels labels = labels();
      boolean inPieces = random.nextInt(10) == 0;
      var record = new Expected(body, labels);
      Runnable done =
          () -> {
            source.records.put(time, record);
            if (mode != ReplicationMode.DISABLED) {
              judge(source, record);
            }
          };
      if (doing(
          () -> store(source, time, labels, body, inPieces),
          () -> {
            if (live(source.name).containsKey(time)) {
              done.run();
            }
          })) {
        done.run();
      }
    }

    private void store(Source source, long time, Labels labels, byte[] body, boolean inPieces) {
      Entry entry = robot.store.bucket(bucket).entryForWrite(source.name);
      if (inPieces) {
        try (Upload upload = entry.beginUpload(time, "text/plain", labels, body.length)) {
          upload.write(ByteBuffer.wrap(body));
          upload.commit();
        }
      } else {
        entry.write(new NewRecord(time, "text/plain", labels, ByteBuffer.wrap(body)));
      }
    }

    private Labels labels() {
      var labels = new Labels.Builder();
      labels.set("n", Integer.toString(random.nextInt(5)));
      if (random.nextInt(3) > 0) {
        labels.set("keep", Boolean.toString(random.nextInt(3) == 0));
      }
      if (random.nextBoolean()) {
        labels.set("Extra", "a,b");
      }
      return labels.build();
    }

    private void judge(Source source, Expected record) {
      boolean keep = "true".equals(record.labels.get("keep"));
      switch (condition) {
        case ALL -> record.selected = true;
        case KEEP -> record.selected = keep;
        case EACH -> record.selected = ++source.judged % 3 == 0;
        case CONTEXT -> {
          if (keep) {
            source.passed.forEach(one -> one.selected = true);
            source.passed.clear();
            source.following = 1;
            record.selected = true;
          } else if (source.following > 0) {
            source.following--;
            source.passed.clear();
            record.selected = true;
          } else {
            source.passed.add(record);
            if (source.passed.size() > 2) {
              source.passed.removeFirst();
            }
          }
        }
      }
    }

    private Optional<Map.Entry<Long, Expected>> any(Source source) {
      var live = source.records.entrySet().stream().filter(one -> !one.getValue().removed).toList();
      return live.isEmpty() ? Optional.empty() : Optional.of(live.get(random.nextInt(live.size())));
    }

    private void relabel(Source source) {
      any(source)
          .ifPresent(chosen -> {
            var update = new Labels.Builder();
            switch (random.nextInt(4)) {
              case 0 -> update.set("n", Integer.toString(random.nextInt(5)));
              case 1 -> update.set("Extra", "");
              case 2 -> update.set("keep", random.nextBoolean() ? "true" : "false");
              default -> update.set("n", "").set("late", "x" + random.nextInt(3));
            }
            Labels change = update.build();
            Expected record = chosen.getValue();
            long time = chosen.getKey();
            Labels after = record.labels.updated(change);
            if (doing(
                () -> robot.store.bucket(bucket).entry(source.name).updateLabels(time, change),
                () -> {
                  StoredRecord now = live(source.name).get(time);
                  if (now != null && now.labels().equals(after)) {
                    relabelled(record, after);
                  }
                })) {
              relabelled(record, after);
            }
          });
    }

    private void relabelled(Expected record, Labels after) {
      if (record.labels.equals(after)) {
        return;
      }
      record.labels = after;
      if (mode == ReplicationMode.DISABLED) {
        record.unfollowed = true;
      } else if (!record.selected) {
        boolean keep = "true".equals(after.get("keep"));
        record.selected =
            condition == Condition.ALL
                || ((condition == Condition.KEEP || condition == Condition.CONTEXT) && keep);
      }
    }

    private void remove(Source source) {
      any(source)
          .ifPresent(chosen -> {
            Runnable done =
                () -> {
                  chosen.getValue().removed = true;
                  source.passed.remove(chosen.getValue());
                };
            if (doing(
                () -> robot.store.bucket(bucket).entry(source.name).remove(chosen.getKey()),
                () -> {
                  if (!live(source.name).containsKey(chosen.getKey())) {
                    unclear++; // removed, or evicted meanwhile
                    done.run();
                  }
                })) {
              done.run();
            }
          });
    }

    private void rename(Source source) {
      String old = source.name;
      String next = "r" + nextName++;
      Runnable done =
          () -> {
            for (Source each : sources) {
              if (each.name.equals(old) || each.name.startsWith(old + "/")) {
                each.name = next + each.name.substring(old.length());
                each.names.add(each.name);
              }
            }
          };
      if (doing(
          () -> robot.store.bucket(bucket).renameEntry(old, next),
          () -> {
            if (robot.store.bucket(bucket).findEntry(next).isPresent()) {
              done.run();
            }
          })) {
        done.run();
      }
    }

    /** Everything is mended and comes to rest. */
    void rest() {
      calm = true;
      linked = true;
      robot.faulty.heal();
      if (mode != ReplicationMode.ENABLED) {
        mode(ReplicationMode.ENABLED);
      }
      for (int i = 0; i < 60 && robot.pending() > 0; i++) {
        robot.pass(10_000);
      }
      robot.pass(1000);
      assertThat(robot.pending()).isZero();
    }

    void check() {
      long missing = 0;
      long evicted = 0;
      for (Source source : sources) {
        Map<Long, StoredRecord> here = live(source.name);
        for (var one : source.records.entrySet()) {
          Expected record = one.getValue();
          long time = one.getKey();
          List<MemoryDestination.Stored> there = new ArrayList<>();
          source.names.forEach(name -> robot.destination.record(name, time).ifPresent(there::add));
          String what = source.names + "@" + time;
          if (!record.selected) {
            assertThat(there).as("not selected: " + what).isEmpty();
            continue;
          }
          there.forEach(copy -> assertThat(copy.body).as(what).isEqualTo(record.body));
          if (record.removed) {
            continue;
          }
          if (!here.containsKey(time)) {
            evicted++;
            missing += there.isEmpty() ? 1 : 0;
            continue;
          }
          assertThat(there).as("selected: " + what).isNotEmpty();
          if (!record.unfollowed) {
            assertThat(there.stream().map(copy -> copy.labels)).as(what).contains(record.labels);
          }
        }
      }
      long lost = robot.detail().diagnostics().lostRecords();
      assertThat(lost).as("lost").isBetween(missing, evicted + unclear);
      // Of a renamed entry a record may be sent again under the new name, and be evicted before
      // that.
      if (!kills && !faults && sources.stream().allMatch(source -> source.names.size() == 1)) {
        assertThat(lost).as("lost without faults").isEqualTo(missing);
      }
      assertThat(robot.detail().diagnostics().refusedRecords())
          .as(() -> "refused: " + robot.detail().diagnostics().errors())
          .isZero();
    }

    private Map<Long, StoredRecord> live(String name) {
      Map<Long, StoredRecord> live = new HashMap<>();
      robot
          .store
          .bucket(bucket)
          .findEntry(name)
          .ifPresent(entry ->
              entry.scan(TimeRange.all(), 100_000).forEach(one -> live.put(one.timestamp(), one)));
      return live;
    }
  }

  private static void run(long seed) {
    var run = new Run(seed);
    try {
      for (int i = 0; i < STEPS; i++) {
        run.step();
      }
      run.rest();
      run.check();
    } catch (AssertionError | RuntimeException failed) {
      throw new AssertionError(
          "seed " + seed + ", " + run.condition + ": " + failed.getMessage(), failed);
    }
  }

  @Test
  void whateverHappensOnTheWayTheDestinationIsWhatTheModelSays() {
    for (long seed = 0; seed < SEEDS; seed++) {
      run(seed);
    }
  }

  /**
   * Seeds that have found something, for as long as they still walk the same way. 158: a change log
   * of which only the head was written, deleted by a start that was killed in turn, was taken for
   * lost changes, and a whole block answered 500.
   */
  @Test
  void seedsThatHaveFoundSomethingFindItNoMore() {
    run(158);
  }

  @Test
  @Tag("slow")
  void manyMoreSeeds() {
    for (long seed = SEEDS; seed < 4000; seed++) {
      run(seed);
    }
  }

  /** A loss of power gives numbers of lost records to new ones: these must not pass for sent. */
  @Test
  void whatIsWrittenAfterALossOfPowerArrives() {
    for (long seed = 0; seed < 40; seed++) {
      var random = new Random(seed);
      var robot = new Robot(seed * 77 + 5);
      robot.store.createBucket(Robot.SOURCE, BucketSettings.DEFAULT);
      robot.replications.create(Robot.TASK, Robot.settings(""));
      robot.pass(10_000);
      long time = 1;
      for (int life = 0; life < 6; life++) {
        for (int i = random.nextInt(20); i >= 0; i--) {
          robot
              .store
              .bucket(Robot.SOURCE)
              .entryForWrite("e" + random.nextInt(3))
              .write(TestStores.record(time, "body " + time++));
          robot.pass(random.nextInt(random.nextInt(8) == 0 ? 7000 : 30));
        }
        robot.disk = robot.disk.crash(random);
        robot.start();
      }
      robot.pass(60_000);
      assertThat(robot.pending()).as("seed " + seed).isZero();
      for (Entry entry : robot.store.bucket(Robot.SOURCE).entries()) {
        for (StoredRecord record : entry.scan(TimeRange.all(), 10_000)) {
          assertThat(robot.destination.record(entry.name(), record.timestamp()))
              .as("seed " + seed + " " + record)
              .isPresent();
        }
      }
    }
  }
}
