package io.pannier.cli.demo;

import io.pannier.model.Clock;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** One robot: ten pictures a second and an IMU file each second, until it is told to stop. */
final class Robot {
  static final String IMAGES = "images";
  static final String IMU = "imu_logs";

  /** What is copied: all of the IMU, and of the pictures those with an event. */
  static final Map<String, Object> MATTERS =
      Map.of(
          "$or",
          List.of(Map.of("&sensor", Map.of("$eq", "imu")), Map.of("$has", List.of("event"))));

  private static final int PICTURES_A_SECOND = 10;

  /** A robot hits a kerb every so many pictures, and so many of them show it. */
  private static final int KERB_EVERY = 30;

  private static final int KERB_PICTURES = 6;

  private final int number;
  private final Api store;
  private final Clock clock;
  private final Sensors sensors;
  private final List<Recorded> recorded = new ArrayList<>();
  private Optional<IOException> failure = Optional.empty();
  private volatile boolean stopped;

  /** What it has recorded: place, labels and digest. */
  private record Recorded(
      String entry, long timestamp, String type, Map<String, String> labels, String digest) {
    boolean matters() {
      return entry.equals(IMU) || labels.containsKey("event");
    }

    /** In the form of {@link Api#digests}. */
    String line() {
      var parts = new ArrayList<String>();
      labels.forEach((name, value) -> parts.add(name + "=" + value));
      parts.sort(null);
      return entry + " " + timestamp + " " + type + "," + String.join(",", parts) + " " + digest;
    }
  }

  Robot(int number, Api store, Clock clock) {
    this.number = number;
    this.store = store;
    this.clock = clock;
    this.sensors = new Sensors(number);
  }

  /** Makes its bucket, and the task that copies what matters through the link at this port. */
  void prepare(int port, String cloudToken) throws IOException, InterruptedException {
    store.send("POST", "b/" + bucket(), Map.of());
    store.send(
        "POST",
        "replications/" + task(),
        Map.of(
            "src_bucket",
            bucket(),
            "dst_bucket",
            bucket(),
            "dst_host",
            "https://localhost:" + port,
            "dst_token",
            cloudToken,
            "when",
            MATTERS));
  }

  String name() {
    return "robot" + number;
  }

  String bucket() {
    return name() + "-data";
  }

  String task() {
    return name() + "-to-cloud";
  }

  /** Records until {@link #stop}. */
  void run() {
    try {
      long began = clock.monotonicNanos();
      for (int tick = 0; !stopped; tick++) {
        long wait =
            began + TimeUnit.SECONDS.toNanos(1) / PICTURES_A_SECOND * tick - clock.monotonicNanos();
        if (wait > 0) {
          TimeUnit.NANOSECONDS.sleep(wait);
        }
        long now = clock.wallMicros();
        picture(tick, now);
        if (tick % PICTURES_A_SECOND == PICTURES_A_SECOND - 1) {
          imu(tick / PICTURES_A_SECOND, now);
        }
      }
    } catch (IOException failed) {
      fail(failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void picture(int tick, long now) throws IOException, InterruptedException {
    var labels = new LinkedHashMap<String, String>();
    labels.put("robot", name());
    labels.put("sensor", "camera");
    labels.put("frame", Integer.toString(tick));
    if ((tick + number * 7) % KERB_EVERY < KERB_PICTURES) {
      labels.put("event", "kerb");
    }
    write(IMAGES, now, labels, "image/jpeg", sensors.picture(tick));
  }

  private void imu(int second, long now) throws IOException, InterruptedException {
    var labels =
        Map.of("robot", name(), "sensor", "imu", "rows", Integer.toString(Sensors.SAMPLES));
    long from = now - TimeUnit.SECONDS.toMicros(1);
    write(IMU, now, labels, "text/csv", sensors.imu(from, second));
  }

  private void write(
      String entry, long timestamp, Map<String, String> labels, String type, byte[] body)
      throws IOException, InterruptedException {
    store.write(bucket(), entry, timestamp, labels, type, body);
    synchronized (this) {
      recorded.add(new Recorded(entry, timestamp, type, labels, Api.sha256(body)));
    }
  }

  /** Somebody looks at the first picture that did not matter, and labels it. */
  void review() throws IOException, InterruptedException {
    Optional<Recorded> dull = firstDull();
    if (dull.isEmpty()) {
      return;
    }
    Recorded before = dull.get();
    store.relabel(bucket(), IMAGES, before.timestamp(), Map.of("event", "review"));
    var labels = new LinkedHashMap<>(before.labels());
    labels.put("event", "review");
    synchronized (this) {
      recorded.set(
          recorded.indexOf(before),
          new Recorded(IMAGES, before.timestamp(), before.type(), labels, before.digest()));
    }
  }

  private synchronized Optional<Recorded> firstDull() {
    return recorded.stream().filter(record -> !record.matters()).findFirst();
  }

  void stop() {
    stopped = true;
  }

  private synchronized void fail(IOException failed) {
    failure = Optional.of(failed);
  }

  /** Throws what ended it before its time. */
  synchronized void check() throws IOException {
    if (failure.isPresent()) {
      throw new IOException(
          name() + " cannot record: " + failure.get().getMessage(), failure.get());
    }
  }

  synchronized long records() {
    return recorded.size();
  }

  /** Time of an entry's newest record that matters, in microseconds; 0 if there is none. */
  synchronized long latestThatMatters(String entry) {
    for (Recorded record : recorded.reversed()) {
      if (record.entry().equals(entry) && record.matters()) {
        return record.timestamp();
      }
    }
    return 0;
  }

  /** What has to be in the cloud in the end, in the form of {@link Api#digests}. */
  synchronized List<String> wanted() {
    return recorded.stream().filter(Recorded::matters).map(Recorded::line).sorted().toList();
  }
}
