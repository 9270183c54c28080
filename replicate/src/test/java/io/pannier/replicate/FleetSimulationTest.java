package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.store.Bucket;
import io.pannier.store.NewRecord;
import io.pannier.store.StoredRecord;
import io.pannier.store.TestStores;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Robots that record, a site that collects from them and a cloud that collects from the site;
 * stores that copy each other, and stores in a ring. What robots send is their records, or what
 * extensions cut out of these. Links are slow and break at any byte, answers get lost, processes
 * die, disks are full of newer things, clocks jump: at rest everything is where it belongs.
 */
class FleetSimulationTest {
  private static final int SEEDS = 12;
  private static final int STEPS = 120;
  private static final String HOME = "home";
  private static final String SITE = "fleet";
  private static final String CLOUD = "all";

  /** Words that a record may become, each a microsecond later. */
  private static final int WORDS_MAX = 100;

  /** A record as the robot's user knows it. */
  private static final class Expected {
    final byte[] body;
    Labels labels;

    /** Labels that it has ever had. */
    final Set<Labels> past = new HashSet<>();

    boolean wanted;
    boolean removed;

    /** Whether the process died while something of it changed: nobody knows whether it did. */
    boolean unsure;

    Expected(byte[] body, Labels labels) {
      this.body = body;
      labelled(labels);
    }

    void labelled(Labels now) {
      labels = now;
      past.add(now);
    }
  }

  /** An entry of a robot, under all names that it has had. */
  private static final class Source {
    final Fleet.Node robot;
    String name;
    final Set<String> names = new LinkedHashSet<>();
    final Map<Long, Expected> records = new TreeMap<>();

    Source(Fleet.Node robot, String name) {
      this.robot = robot;
      this.name = name;
      names.add(name);
    }
  }

  /** One run. */
  private static final class Run {
    final Fleet fleet;
    final boolean evicts;
    final boolean siteEvicts;
    final boolean onlyKept;

    /** Whether robots send the words of their records. */
    final boolean cuts;

    final List<Fleet.Node> robots = new ArrayList<>();
    final List<Source> sources = new ArrayList<>();
    final Fleet.Node site;
    final Fleet.Node cloud;
    long nextTime = 1000;
    int nextName;

    Run(long seed) {
      fleet = new Fleet(seed);
      fleet.faults = fleet.random.nextInt(3) > 0;
      fleet.kills = fleet.random.nextInt(3) > 0;
      fleet.resumes = fleet.random.nextInt(3) > 0;
      fleet.slow = fleet.random.nextBoolean();
      cuts = fleet.random.nextInt(3) == 0;
      evicts = fleet.random.nextBoolean();
      siteEvicts = fleet.random.nextInt(4) == 0;
      onlyKept = fleet.random.nextBoolean();
      site = fleet.node("site");
      cloud = fleet.node("cloud");
      site.store.createBucket(SITE, settings(siteEvicts, 40_000));
      site.copy("up", SITE, "cloud", CLOUD, "", "");
      for (int i = 2 + fleet.random.nextInt(2); i > 0; i--) {
        Fleet.Node robot = fleet.node("robot" + i);
        robots.add(robot);
        robot.store.createBucket(HOME, settings(evicts, 12_000));
        robot.copy(
            "up",
            HOME,
            "site",
            SITE,
            robot.name,
            onlyKept ? "{'&keep': {'$eq': true}}" : "",
            cuts ? Optional.of(Cutting.WORDS) : Optional.empty());
        sources.add(new Source(robot, "cam"));
        sources.add(new Source(robot, "imu/a"));
      }
      fleet.meanwhile = () -> record(any(sources));
    }

    private static BucketSettings settings(boolean ring, long size) {
      return new BucketSettings(ring ? QuotaType.FIFO : QuotaType.NONE, size, 64_000_000, 12, null);
    }

    private <T> T any(List<T> some) {
      return some.get(fleet.random.nextInt(some.size()));
    }

    void step() {
      int what = fleet.random.nextInt(100);
      if (fleet.kills && fleet.random.nextInt(15) == 0) {
        any(fleet.all()).dieSoon();
      }
      if (what < 55) {
        Source source = any(sources);
        source.robot.pass(0); // else a full block waits in vain for somebody to seal it
        record(source);
      } else if (what < 85) {
        fleet.pass(fleet.random.nextInt(fleet.random.nextBoolean() ? 100 : 8000));
      } else if (what < 91) {
        Fleet.Node node = any(fleet.all());
        node.linked = !node.linked;
      } else if (what < 94) {
        any(fleet.all()).stores.clock.jumpWall((fleet.random.nextInt(200) - 100) * 60_000_000L);
      } else if (what < 97) {
        Fleet.Node robot = any(robots);
        ReplicationMode next =
            fleet.random.nextBoolean() ? ReplicationMode.PAUSED : ReplicationMode.ENABLED;
        doing(robot, () -> robot.replications.mode("up", next));
      } else if (fleet.kills) {
        any(fleet.all()).kill();
      }
      fleet.all().forEach(Fleet.Node::restartIfDead);
    }

    /** Whether it was done: nobody knows when the process died within it. */
    private boolean doing(Fleet.Node node, Runnable what) {
      try {
        what.run();
        return true;
      } catch (PannierException.NotFound | PannierException.Unavailable none) {
        return false; // evicted, or everything else in the ring is gone already
      } catch (PannierException failed) {
        if (!node.isDead()) {
          throw failed;
        }
        return false;
      }
    }

    private void record(Source source) {
      if (source.robot.isDead()) {
        return;
      }
      int what = fleet.random.nextInt(100);
      if (what < 70) {
        for (int left = 1 + fleet.random.nextInt(3); left > 0; left--) {
          write(source);
        }
      } else if (what < 88) {
        relabel(source);
      } else if (what < 95) {
        remove(source);
      } else if (!source.name.contains("/")) {
        String next = "r" + nextName++;
        // Under which name it is now the robot is asked at the end.
        source.names.add(next);
        if (source.robot.store.bucket(HOME).findEntry(source.name).isPresent()
            && doing(
                source.robot,
                () -> source.robot.store.bucket(HOME).renameEntry(source.name, next))) {
          source.name = next;
        } else if (!source.robot.isDead()) {
          source.names.remove(next);
        } else {
          source.robot.restartIfDead();
          if (source.robot.store.bucket(HOME).findEntry(next).isPresent()) {
            source.name = next;
          }
        }
      }
    }

    private void write(Source source) {
      if (source.robot.isDead()) {
        return;
      }
      long number = fleet.random.nextInt(8) == 0 ? 1 + fleet.random.nextInt(900) : nextTime++;
      long time = number * WORDS_MAX;
      if (source.records.containsKey(time)) {
        return;
      }
      byte[] body = body();
      var labels = new Labels.Builder().set("n", "" + fleet.random.nextInt(5));
      if (fleet.random.nextInt(3) > 0) {
        labels.set("keep", Boolean.toString(fleet.random.nextInt(3) > 0));
      }
      var record = new Expected(body, labels.build());
      boolean done =
          doing(
              source.robot,
              () ->
                  source
                      .robot
                      .store
                      .bucket(HOME)
                      .entryForWrite(source.name)
                      .write(
                          new NewRecord(time, "text/plain", record.labels, ByteBuffer.wrap(body))));
      record.unsure = !done && source.robot.isDead();
      if (done || record.unsure) {
        record.wanted = !onlyKept || "true".equals(record.labels.get("keep"));
        source.records.put(time, record);
      }
    }

    private byte[] body() {
      if (!cuts) {
        var body = new byte[fleet.random.nextInt(300)];
        fleet.random.nextBytes(body);
        return body;
      }
      // Some become more than go into one request.
      int words = 1 + fleet.random.nextInt(fleet.random.nextInt(4) == 0 ? WORDS_MAX : 6);
      return fleet
          .random
          .ints(words, 0, 1000)
          .mapToObj(Integer::toString)
          .collect(Collectors.joining(" "))
          .getBytes(StandardCharsets.UTF_8);
    }

    /** What is to arrive of a record, by time. */
    private Map<Long, byte[]> pieces(long time, Expected record) {
      if (!cuts) {
        return Map.of(time, record.body);
      }
      var pieces = new TreeMap<Long, byte[]>();
      for (String word : new String(record.body, StandardCharsets.UTF_8).split(" ", -1)) {
        pieces.put(time + pieces.size(), word.getBytes(StandardCharsets.UTF_8));
      }
      return pieces;
    }

    private void relabel(Source source) {
      var live =
          source.records.entrySet().stream()
              .filter(one -> !one.getValue().removed && !one.getValue().unsure)
              .toList();
      if (live.isEmpty()) {
        return;
      }
      var chosen = any(live);
      Expected record = chosen.getValue();
      var update = new Labels.Builder();
      switch (fleet.random.nextInt(3)) {
        case 0 -> update.set("n", "" + fleet.random.nextInt(5));
        case 1 -> update.set("keep", "true");
        default -> update.set("n", "").set("late", "x" + fleet.random.nextInt(3));
      }
      Labels change = update.build();
      if (doing(
          source.robot,
          () ->
              source
                  .robot
                  .store
                  .bucket(HOME)
                  .entry(source.name)
                  .updateLabels(chosen.getKey(), change))) {
        record.labelled(record.labels.updated(change));
        record.wanted |= "true".equals(record.labels.get("keep"));
      } else {
        record.unsure |= source.robot.isDead();
        record.past.add(record.labels.updated(change));
      }
    }

    private void remove(Source source) {
      var live = source.records.entrySet().stream().filter(one -> !one.getValue().removed).toList();
      if (live.isEmpty()) {
        return;
      }
      var chosen = any(live);
      if (doing(
          source.robot,
          () -> source.robot.store.bucket(HOME).entry(source.name).remove(chosen.getKey()))) {
        chosen.getValue().removed = true;
      } else if (source.robot.isDead()) {
        chosen.getValue().unsure = true;
      }
    }

    void rest() {
      fleet.calm = true;
      fleet.all().forEach(Fleet.Node::heal);
      for (Fleet.Node robot : robots) {
        robot.replications.mode("up", ReplicationMode.ENABLED);
      }
      for (int i = 0; i < 100 && (i == 0 || pending() > 0); i++) {
        fleet.pass(20_000);
      }
      assertThat(pending())
          .as(() ->
              fleet.all().stream()
                  .flatMap(node ->
                      node.replications.details().stream()
                          .map(task -> node.name + " " + task.info() + " " + task.diagnostics()))
                  .collect(Collectors.joining("\n")))
          .isZero();
    }

    private long pending() {
      return fleet.all().stream().mapToLong(Fleet.Node::pending).sum();
    }

    void check() {
      Map<String, StoredRecord> atSite = site.records(SITE);
      Map<String, StoredRecord> atCloud = cloud.records(CLOUD);
      for (Fleet.Node robot : robots) {
        checkRobot(robot, atSite, atCloud);
      }
      Set<String> missing = new HashSet<>(site.arrived);
      missing.removeAll(atCloud.keySet());
      Diagnostics.Report report = site.replications.get("up").diagnostics();
      assertThat(report.refusedRecords()).as(() -> "site: " + report.errors()).isZero();
      if (siteEvicts) {
        assertThat(report.lostRecords())
            .as("lost at the site")
            .isGreaterThanOrEqualTo(missing.size());
        if (!fleet.kills && !fleet.faults) {
          assertThat(report.lostRecords()).as("lost at the site").isEqualTo(missing.size());
        }
      } else {
        assertThat(missing).as("at the site and not in the cloud").isEmpty();
        assertThat(report.lostRecords()).as("lost at the site").isZero();
      }
      atSite.forEach((key, record) -> {
        StoredRecord copy = atCloud.get(key);
        assertThat(copy).as(key).isNotNull();
        assertThat(TestStores.bytes(copy)).as(key).isEqualTo(TestStores.bytes(record));
        assertThat(copy.labels()).as(key).isEqualTo(record.labels());
      });
    }

    private void checkRobot(
        Fleet.Node robot, Map<String, StoredRecord> atSite, Map<String, StoredRecord> atCloud) {
      long missing = 0;
      long evicted = 0;
      boolean renamed = false;
      Set<String> possible = new HashSet<>();
      Map<String, StoredRecord> here = robot.records(HOME);
      for (Source source : sources) {
        if (source.robot != robot) {
          continue;
        }
        renamed |= source.names.size() > 1;
        for (var one : source.records.entrySet()) {
          Expected record = one.getValue();
          String what = robot.name + "/" + source.names + "@" + one.getKey();
          Map<Long, byte[]> pieces = pieces(one.getKey(), record);
          boolean begun = false;
          boolean arrived = false;
          for (String name : source.names) {
            boolean all = true;
            for (var piece : pieces.entrySet()) {
              String place = robot.name + "/" + name + "@" + piece.getKey();
              possible.add(place);
              boolean there = site.arrived.contains(place);
              begun |= there;
              all &= there;
              StoredRecord copy = atCloud.get(place);
              if (copy != null) {
                assertThat(TestStores.bytes(copy)).as(what).isEqualTo(piece.getValue());
                // What was cut out is not told of later changes. A site that has evicted a record,
                // and gets it once more, does not know which labels it had before.
                if (!siteEvicts) {
                  assertThat(record.past).as(what).contains(copy.labels());
                }
              }
            }
            arrived |= all;
          }
          if (record.unsure || record.removed) {
            continue;
          }
          if (!record.wanted) {
            assertThat(begun).as("not wanted: " + what).isFalse();
          } else if (!here.containsKey(source.name + "@" + one.getKey())) {
            evicted++;
            missing += arrived ? 0 : 1;
          } else {
            assertThat(arrived).as("wanted: " + what).isTrue();
            if (!siteEvicts && !cuts) {
              assertThat(
                      source.names.stream()
                          .map(name -> robot.name + "/" + name + "@" + one.getKey())
                          .filter(atSite::containsKey)
                          .map(atSite::get))
                  .extracting(StoredRecord::labels)
                  .as(what)
                  .contains(record.labels);
            }
          }
        }
      }
      assertThat(site.arrived.stream().filter(place -> place.startsWith(robot.name + "/")))
          .as("of " + robot.name)
          .allMatch(possible::contains);
      Diagnostics.Report report = robot.replications.get("up").diagnostics();
      assertThat(report.refusedRecords()).as(() -> robot.name + report.errors()).isZero();
      assertThat(report.lostRecords()).as("lost at " + robot.name).isGreaterThanOrEqualTo(missing);
      if (!fleet.kills) {
        assertThat(report.lostRecords()).as("lost at " + robot.name).isLessThanOrEqualTo(evicted);
        if (!fleet.faults && !renamed) {
          assertThat(report.lostRecords()).as("lost at " + robot.name).isEqualTo(missing);
        }
      }
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
      throw new AssertionError("seed " + seed + ": " + failed.getMessage(), failed);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, SEEDS, 2 * SEEDS})
  void robotsSiteAndCloudHaveAtRestWhatTheyShould(long from) {
    for (long seed = from; seed < from + SEEDS; seed++) {
      run(seed);
    }
  }

  @Test
  @Tag("slow")
  void manyMoreSeeds() {
    long first = Long.getLong("fleet.first", 3 * SEEDS);
    long count = Long.getLong("fleet.seeds", 3000 - first);
    for (long seed = first; seed < first + count; seed++) {
      run(seed);
    }
  }

  // ---------------------------------------------------------------- circles

  /** Stores that each copy one bucket to the next, the last to the first. */
  private static void circle(long seed, int size) {
    var fleet = new Fleet(seed);
    fleet.faults = fleet.random.nextBoolean();
    fleet.resumes = fleet.random.nextBoolean();
    List<Fleet.Node> nodes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      nodes.add(fleet.node("store" + i));
      nodes.getLast().store.createBucket(HOME, BucketSettings.DEFAULT);
    }
    for (int i = 0; i < size; i++) {
      nodes.get(i).copy("next", HOME, "store" + (i + 1) % size, HOME, "", "");
    }
    Set<String> written = new HashSet<>();
    long time = 1;
    for (int step = 0; step < 80; step++) {
      Fleet.Node node = nodes.get(fleet.random.nextInt(size));
      Bucket bucket = node.store.bucket(HOME);
      switch (fleet.random.nextInt(4)) {
        case 0 -> {
          bucket
              .entryForWrite("e")
              .write(TestStores.record(time, "x".repeat(fleet.random.nextInt(300)), "n", "0"));
          written.add("e@" + time++);
        }
        case 1 -> {
          // The same record at several stores, with labels that contradict each other.
          for (Fleet.Node each : nodes) {
            long chosen = 1 + fleet.random.nextLong(time);
            each.store
                .bucket(HOME)
                .findEntry("e")
                .filter(entry -> each.records(HOME).containsKey("e@" + chosen))
                .ifPresent(entry ->
                    entry.updateLabels(
                        chosen, Labels.of("n", each.name + fleet.random.nextInt(3))));
          }
        }
        case 2 -> node.linked = !node.linked;
        default -> fleet.pass(fleet.random.nextInt(6000));
      }
    }
    fleet.calm = true;
    fleet.pass(300_000);
    assertThat(nodes.stream().mapToLong(Fleet.Node::pending).sum()).as("pending").isZero();
    var before = nodes.stream().map(node -> node.sequences(HOME)).toList();
    fleet.pass(300_000);
    assertThat(nodes.stream().map(node -> node.sequences(HOME)).toList())
        .as("rest")
        .isEqualTo(before);
    for (Fleet.Node node : nodes) {
      assertThat(node.records(HOME).keySet()).as(node.name).isEqualTo(written);
      assertThat(node.replications.get("next").diagnostics().refusedRecords()).isZero();
      assertThat(node.replications.get("next").diagnostics().lostRecords()).isZero();
    }
  }

  private static void circles(long from, long to) {
    for (long seed = from; seed < to; seed++) {
      for (int size = 2; size <= 4; size++) {
        try {
          circle(seed, size);
        } catch (AssertionError | RuntimeException failed) {
          throw new AssertionError(
              "seed " + seed + ", " + size + " stores: " + failed.getMessage(), failed);
        }
      }
    }
  }

  @Test
  void storesThatCopyEachOtherAndRingsOfStoresComeToRest() {
    circles(0, 15);
  }

  @Test
  @Tag("slow")
  void manyMoreCircles() {
    circles(15, 1500);
  }
}
