package io.pannier.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.cli.tls.Authority;
import io.pannier.cli.tls.Signed;
import io.pannier.cli.tls.TlsException;
import io.pannier.model.Clock;
import io.pannier.model.SystemRandom;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The story: two stores as processes, robots that record into the one, a task per robot that copies
 * what matters to the other, and a link between them that is cut and comes back. One thread tells
 * it, one per robot records; any thread may {@link #close}.
 */
final class ReplicationDemo implements RobotsCommand.Demo {
  private static final int POLL_MILLIS = 500;

  /** Of the time that robots record: until the link is cut, and until it is back. */
  private static final double CUT_AT = 0.25;

  private static final double BACK_AT = 0.7;

  private static final int CONNECTIONS_TO_BREAK = 3;

  /** Without any progress for so long it is no use to wait for the rest. */
  private static final int STALL_SECONDS_MAX = 60;

  private static final int CERTIFICATE_DAYS = 30;

  /** For the rate at which a backlog shrinks: so many looks back. */
  private static final int LOOKS = 6;

  /**
   * What is to happen.
   *
   * @param seconds how long the robots record
   * @param bytesPerSecond what the link carries
   * @param keep empty folder to work in, which stays; otherwise a temporary one
   */
  record Plan(int seconds, int robots, long bytesPerSecond, Optional<Path> keep) {}

  private final Plan plan;
  private final Clock clock;
  private final Teller teller;
  private final List<Process> processes = new ArrayList<>();
  private final Deque<long[]> looks = new ArrayDeque<>();
  private @Nullable Path folder;
  private @Nullable Link link;
  private boolean closed;

  ReplicationDemo(Plan plan, Clock clock, Teller teller) {
    this.plan = plan;
    this.clock = clock;
    this.teller = teller;
  }

  /** The stores and what it takes to speak to them. */
  private record Stage(
      Api robotStore, Api cloud, Link link, List<Robot> robots, long began, long beganMicros) {}

  /** Tells the whole story; true when everything arrived. */
  @Override
  public boolean run() throws IOException, InterruptedException, TlsException {
    Path place = makeFolder();
    teller.phase("Making a CA and a certificate for localhost in " + place.resolve("tls"));
    Authority authority = Authority.make(place.resolve("tls"), CERTIFICATE_DAYS, clock);
    Signed certificate = authority.server(List.of("localhost", "127.0.0.1"), CERTIFICATE_DAYS);
    authority.save("server", certificate);
    SSLContext trust = Api.trusting(authority.certificate());

    teller.phase("Starting two stores over HTTPS: one on the robots' side, one in the cloud");
    String robotToken = token("robot", place);
    String cloudToken = token("cloud", place);
    Process robotProcess = spawn("robot", robotToken, place, authority);
    Process cloudProcess = spawn("cloud", cloudToken, place, authority);
    int robotPort = ServerProcess.readyPort(robotProcess, log(place, "robot"));
    int cloudPort = ServerProcess.readyPort(cloudProcess, log(place, "cloud"));
    try (var robotStore = new Api("https://localhost:" + robotPort, robotToken, trust);
        var cloud = new Api("https://localhost:" + cloudPort, cloudToken, trust)) {
      Link between = openLink(cloudPort);
      var robots = new ArrayList<Robot>();
      for (int i = 1; i <= plan.robots(); i++) {
        var robot = new Robot(i, robotStore, clock);
        robots.add(robot);
        robot.prepare(between.port(), cloudToken);
      }
      return perform(
          new Stage(
              robotStore, cloud, between, robots, clock.monotonicNanos(), clock.wallMicros()));
    }
  }

  private boolean perform(Stage stage) throws IOException, InterruptedException {
    teller.phase(
        stage.robots().size()
            + " robots record 10 pictures and 1 IMU file (1000 samples) a second; copied are all"
            + " IMU files and pictures with an event");
    var threads = new ArrayList<Thread>();
    for (Robot robot : stage.robots()) {
      threads.add(Thread.ofPlatform().daemon().name(robot.name()).start(robot::run));
    }
    try {
      watch(stage, () -> seconds(stage) < plan.seconds() * CUT_AT);
      teller.phase("The link is cut; the robots go on");
      stage.link().cut();
      double reviewAt = plan.seconds() * (CUT_AT + BACK_AT) / 2;
      watch(stage, () -> seconds(stage) < reviewAt);
      teller.phase("Meanwhile somebody labels an older picture of each robot");
      for (Robot robot : stage.robots()) {
        robot.review();
      }
      watch(stage, () -> seconds(stage) < plan.seconds() * BACK_AT);
      teller.phase(
          "The link is back; the first "
              + CONNECTIONS_TO_BREAK
              + " connections break in the middle; the robots go on");
      stage.link().restore(CONNECTIONS_TO_BREAK);
      watch(stage, () -> seconds(stage) < plan.seconds());
    } finally {
      stage.robots().forEach(Robot::stop);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    teller.phase("The robots stand; the rest of the backlog travels");
    catchUp(stage);
    teller.phase("Comparing what the condition selects at the robots with what is in the cloud");
    List<Teller.Result> results = compare(stage);
    teller.results(results, stage.link().broken());
    return results.stream().allMatch(Teller.Result::isEqual);
  }

  private double seconds(Stage stage) {
    return (clock.monotonicNanos() - stage.began()) / 1e9;
  }

  private void watch(Stage stage, BooleanSupplier isOn) throws IOException, InterruptedException {
    while (isOn.getAsBoolean()) {
      teller.status(look(stage));
      for (Robot robot : stage.robots()) {
        robot.check();
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  private void catchUp(Stage stage) throws IOException, InterruptedException {
    Teller.Status status = look(stage);
    long least = Long.MAX_VALUE;
    double leastAt = status.seconds();
    while (status.pending() > 0) {
      teller.status(status);
      if (status.pending() < least) {
        least = status.pending();
        leastAt = status.seconds();
      }
      if (status.seconds() - leastAt > STALL_SECONDS_MAX) {
        throw new IOException(
            status.pending() + " records have been on their way for " + STALL_SECONDS_MAX + " s");
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      status = look(stage);
    }
    teller.status(status);
  }

  private Teller.Status look(Stage stage) throws IOException, InterruptedException {
    var lines = new ArrayList<Teller.Line>();
    for (Robot robot : stage.robots()) {
      lines.add(look(stage, robot));
    }
    boolean isUp = stage.link().isUp();
    double at = seconds(stage);
    long pending = lines.stream().mapToLong(Teller.Line::pending).sum();
    return new Teller.Status(at, isUp, stage.link().passed(), forecast(isUp, pending), lines);
  }

  private static Teller.Line look(Stage stage, Robot robot)
      throws IOException, InterruptedException {
    JsonNode task = stage.robotStore().get("replications/" + robot.task());
    long arrived = 0;
    Map<String, Long> latest = new HashMap<>();
    for (JsonNode entry : entries(stage.cloud(), robot.bucket())) {
      arrived += entry.path("record_count").asLong();
      latest.put(entry.path("name").asText(), entry.path("latest_record").asLong());
    }
    double lag = 0;
    for (String entry : List.of(Robot.IMAGES, Robot.IMU)) {
      long here = robot.latestThatMatters(entry);
      if (here > 0) {
        double behind = (here - latest.getOrDefault(entry, stage.beganMicros())) / 1e6;
        lag = Math.max(lag, behind);
      }
    }
    Map<String, JsonNode> more = new TreeMap<>();
    for (var field : task.path("diagnostics").properties()) {
      if (!field.getKey().equals("hourly") && !field.getValue().isNull()) {
        more.put(field.getKey(), field.getValue());
      }
    }
    return new Teller.Line(
        robot.name(),
        robot.records(),
        task.path("info").path("pending_records").asLong(),
        arrived,
        lag,
        more);
  }

  /** Of a bucket that is not there yet: none. */
  private static List<JsonNode> entries(Api store, String bucket)
      throws IOException, InterruptedException {
    for (JsonNode info : store.get("list").path("buckets")) {
      if (info.path("name").asText().equals(bucket)) {
        return List.copyOf(store.get("b/" + bucket).path("entries").valueStream().toList());
      }
    }
    return List.of();
  }

  /** Seconds until nothing is pending, at the rate of the last few looks; negative: no telling. */
  private double forecast(boolean isUp, long pending) {
    looks.addLast(new long[] {clock.monotonicNanos(), pending});
    if (looks.size() > LOOKS) {
      looks.removeFirst();
    }
    double seconds = (looks.getLast()[0] - looks.getFirst()[0]) / 1e9;
    long fewer = looks.getFirst()[1] - pending;
    return isUp && pending > 0 && fewer > 0 ? pending * seconds / fewer : -1;
  }

  private static List<Teller.Result> compare(Stage stage) throws IOException, InterruptedException {
    var results = new ArrayList<Teller.Result>();
    for (Robot robot : stage.robots()) {
      var here = new ArrayList<String>();
      stage.robotStore().digests(robot.bucket(), Robot.MATTERS, here::add);
      var there = new ArrayList<String>();
      stage.cloud().digests(robot.bucket(), Map.of(), there::add);
      here.sort(null);
      there.sort(null);
      results.add(
          new Teller.Result(
              robot.name(),
              robot.records(),
              here.size(),
              there.size(),
              digest(here),
              digest(there),
              here.equals(there) && here.equals(robot.wanted())));
    }
    return results;
  }

  private static String digest(List<String> lines) {
    return Api.sha256(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }

  // ---------------------------------------------------------------- setting up and clearing away

  private synchronized Path makeFolder() throws IOException {
    refuseIfClosed();
    Path made;
    if (plan.keep().isPresent()) {
      made = plan.keep().get().toAbsolutePath();
      Files.createDirectories(made);
      try (Stream<Path> files = Files.list(made)) {
        if (files.findAny().isPresent()) {
          throw new IOException("folder " + made + " is not empty");
        }
      }
    } else {
      made = Files.createTempDirectory("pannier-demo");
    }
    folder = made;
    return made;
  }

  private static Path log(Path place, String name) {
    return place.resolve(name + ".log");
  }

  /** A token for a store; it stays in a file beside a store that is kept. */
  private static String token(String name, Path place) throws IOException {
    var random = SystemRandom.secure();
    String token = "%016x%016x".formatted(random.nextLong(), random.nextLong());
    Files.writeString(place.resolve(name + ".token"), token + "\n");
    return token;
  }

  private synchronized Process spawn(String name, String token, Path place, Authority authority)
      throws IOException {
    refuseIfClosed();
    Path tls = authority.file().resolveSibling("server.pem");
    Process process =
        ServerProcess.spawn(
            place.resolve(name),
            log(place, name),
            Map.of(
                "RS_API_TOKEN", token,
                "RS_CERT_PATH", tls.toString(),
                "RS_CERT_KEY_PATH", tls.resolveSibling("server-key.pem").toString(),
                "RS_REPLICATION_CA_PATH", authority.file().toString(),
                "RS_REPLICATION_TIMEOUT", "1"));
    processes.add(process);
    return process;
  }

  private synchronized Link openLink(int port) throws IOException {
    refuseIfClosed();
    Link opened = Link.start(port, plan.bytesPerSecond(), clock, SystemRandom.secure());
    link = opened;
    return opened;
  }

  private void refuseIfClosed() throws IOException {
    if (closed) {
      throw new IOException("it is being stopped");
    }
  }

  /** Stops the stores and clears away what was made. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      if (link != null) {
        link.close();
      }
      processes.forEach(Process::destroy);
      processes.forEach(ServerProcess::stop);
      if (folder != null && plan.keep().isEmpty()) {
        try (Stream<Path> files = Files.walk(folder)) {
          for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
            Files.delete(file);
          }
        }
      }
    } catch (IOException failed) {
      teller.phase("Not everything could be cleared away: " + failed);
    }
  }
}
