package io.pannier.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.cli.tls.Authority;
import io.pannier.cli.tls.Signed;
import io.pannier.cli.tls.TlsException;
import io.pannier.model.Clock;
import io.pannier.model.SystemRandom;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The story: robots, a store beside them, a cloud store on S3, a replica. One thread tells it, one
 * per robot records; any thread may {@link #close}.
 */
final class CloudDemo implements RobotsCommand.Demo {
  private static final int POLL_MILLIS = 250;
  private static final int WAIT_SECONDS_MAX = 180;
  private static final int CERTIFICATE_DAYS = 30;
  private static final long LINK_BYTES_PER_SECOND = 20_000_000;
  private static final String BUCKET = "robots";
  private static final String ACCESS = "demo-access";
  private static final String SECRET = "demo-secret-key";

  /** The query of the cloud's people: what the cloud has of it is all that the robots sent. */
  private static final Map<String, ?> KERBS = Map.of("&event", Map.of("$eq", "kerb"));

  private final int seconds;
  private final int robotCount;
  private final Optional<Path> keep;
  private final Clock clock;
  private final Teller teller;
  private final List<Process> processes = new ArrayList<>();
  private @Nullable Path folder;
  private @Nullable Link link;
  private @Nullable S3Stand stand;
  private boolean closed;

  CloudDemo(int seconds, int robotCount, Optional<Path> keep, Clock clock, Teller teller) {
    this.seconds = seconds;
    this.robotCount = robotCount;
    this.keep = keep;
    this.clock = clock;
    this.teller = teller;
  }

  /** What every process is told. */
  private record Scene(Path place, Authority authority, SSLContext trust, URI s3) {
    Path log(String name) {
      return place.resolve(name + ".log");
    }
  }

  /** Tells the whole story; true when everything arrived. */
  @Override
  public boolean run() throws IOException, InterruptedException, TlsException {
    Path place = makeFolder();
    teller.phase("Making a CA and a certificate for localhost in " + place.resolve("tls"));
    Authority authority = Authority.make(place.resolve("tls"), CERTIFICATE_DAYS, clock);
    Signed certificate = authority.server(List.of("localhost", "127.0.0.1"), CERTIFICATE_DAYS);
    authority.save("server", certificate);
    SSLContext trust = Api.trusting(authority.certificate());
    var scene = new Scene(place, authority, trust, startS3(place));

    teller.phase("Starting a store beside the robots, a cloud store on S3, and a replica of it");
    String robotToken = token("robot", place);
    String cloudToken = token("cloud", place);
    Process robotProcess = spawn(scene, "robot", local(scene, robotToken));
    Process cloudProcess = spawn(scene, "cloud", cloud(scene, cloudToken, "cloud"));
    var replicaSettings = new HashMap<>(cloud(scene, cloudToken, "replica"));
    replicaSettings.put("RS_INSTANCE_ROLE", "REPLICA");
    int robotPort = ServerProcess.readyPort(robotProcess, scene.log("robot"));
    int cloudPort = ServerProcess.readyPort(cloudProcess, scene.log("cloud"));
    try (var robotStore = api(robotPort, robotToken, trust)) {
      Link between = openLink(cloudPort);
      var robots = new ArrayList<Robot>();
      for (int i = 1; i <= robotCount; i++) {
        var robot = new Robot(i, robotStore, clock);
        robots.add(robot);
        robot.prepare(between.port(), cloudToken);
      }
      try (var cloud = api(cloudPort, cloudToken, trust)) {
        record(robots, between);
        teller.phase("The robots stand; the rest of the backlog travels");
        for (Robot robot : robots) {
          await("the backlog of " + robot.name(), () -> pending(robotStore, robot) == 0);
        }
        teller.phase("Waiting until the cloud store has everything in S3");
        await(
            "the last upload",
            () -> cloud.get("info").path("remote").path("unsent_bytes").asLong(1) == 0);
        tellOf(cloud.get("info").path("remote"));
      }
      Process replicaProcess = spawn(scene, "replica", replicaSettings);
      int replicaPort = ServerProcess.readyPort(replicaProcess, scene.log("replica"));

      teller.phase("The cloud store is killed, and its local folder deleted");
      cloudProcess.destroyForcibly().waitFor();
      delete(place.resolve("cloud-cache"));
      try (var replica = api(replicaPort, cloudToken, trust)) {
        teller.phase(
            "The replica goes on answering: " + count(replica, robots) + " pictures of a kerb");
        Process again = restart(scene, cloud(scene, cloudToken, "cloud"));
        int port = ServerProcess.readyPort(again, scene.log("cloud-again"));
        try (var cloud = api(port, cloudToken, trust)) {
          teller.phase(
              "The cloud store is back, from S3 alone: "
                  + count(cloud, robots)
                  + " pictures of a kerb");
          tellOf(cloud.get("info").path("remote"));
          teller.phase("Comparing robots, cloud store and replica record by record");
          List<Teller.Result> results = compare(robots, robotStore, cloud, replica);
          teller.results(results, between.broken());
          return results.stream().allMatch(Teller.Result::isEqual);
        }
      }
    }
  }

  private static Api api(int port, String token, SSLContext trust) {
    return new Api("https://localhost:" + port, token, trust);
  }

  private void record(List<Robot> robots, Link between) throws IOException, InterruptedException {
    teller.phase(
        robots.size()
            + " robots record 10 pictures and 1 IMU file a second; copied are all IMU files and"
            + " pictures with an event");
    var threads = new ArrayList<Thread>();
    for (Robot robot : robots) {
      threads.add(Thread.ofPlatform().daemon().name(robot.name()).start(robot::run));
    }
    try {
      TimeUnit.MILLISECONDS.sleep(seconds * 300L);
      teller.phase("The link is cut; the robots go on");
      between.cut();
      TimeUnit.MILLISECONDS.sleep(seconds * 400L);
      teller.phase("The link is back");
      between.restore(0);
      TimeUnit.MILLISECONDS.sleep(seconds * 300L);
    } finally {
      robots.forEach(Robot::stop);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (Robot robot : robots) {
      robot.check();
    }
  }

  private static long pending(Api store, Robot robot) throws IOException, InterruptedException {
    return store.get("replications/" + robot.task()).path("info").path("pending_records").asLong(1);
  }

  /** What is waited for. */
  private interface Condition {
    boolean isMet() throws IOException, InterruptedException;
  }

  private void await(String what, Condition condition) throws IOException, InterruptedException {
    long end = clock.monotonicNanos() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS_MAX);
    while (!condition.isMet()) {
      if (clock.monotonicNanos() > end) {
        throw new IOException(what + " has not come for " + WAIT_SECONDS_MAX + " s");
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  private void tellOf(JsonNode remote) {
    teller.phase(
        "  in S3: %d segments, %.1f MB; requests since the start: %d put, %d get"
            .formatted(
                remote.path("segments").asLong(),
                remote.path("stored_bytes").asLong() / 1e6,
                remote.path("requests").path("put").asLong(),
                remote.path("requests").path("get").asLong()));
  }

  private static long count(Api store, List<Robot> robots)
      throws IOException, InterruptedException {
    var found = new ArrayList<String>();
    for (Robot robot : robots) {
      store.digests(robot.bucket(), KERBS, found::add);
    }
    return found.size();
  }

  private static List<Teller.Result> compare(
      List<Robot> robots, Api robotStore, Api cloud, Api replica)
      throws IOException, InterruptedException {
    var results = new ArrayList<Teller.Result>();
    for (Robot robot : robots) {
      var here = new ArrayList<String>();
      robotStore.digests(robot.bucket(), Robot.MATTERS, here::add);
      var there = new ArrayList<String>();
      cloud.digests(robot.bucket(), Map.of(), there::add);
      var beside = new ArrayList<String>();
      replica.digests(robot.bucket(), Map.of(), beside::add);
      here.sort(null);
      there.sort(null);
      beside.sort(null);
      results.add(
          new Teller.Result(
              robot.name(),
              robot.records(),
              here.size(),
              there.size(),
              digest(here),
              digest(there),
              here.equals(there) && here.equals(beside) && here.equals(robot.wanted())));
    }
    return results;
  }

  private static String digest(List<String> lines) {
    return Api.sha256(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
  }

  // ---------------------------------------------------------------- setting up and clearing away

  private URI startS3(Path place) throws IOException, InterruptedException {
    Optional<Path> minio = onPath("minio");
    if (minio.isEmpty()) {
      teller.phase("Starting a stand-in for S3, as minio is not on the PATH");
      synchronized (this) {
        refuseIfClosed();
        S3Stand started = S3Stand.start(place.resolve("s3"), 0);
        stand = started;
        Files.createDirectories(place.resolve("s3").resolve(BUCKET));
        return started.endpoint();
      }
    }
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    teller.phase("Starting MinIO: " + minio.get());
    // A folder in the root of MinIO is a bucket.
    Files.createDirectories(place.resolve("s3").resolve(BUCKET));
    var builder =
        new ProcessBuilder(
            minio.get().toString(),
            "server",
            place.resolve("s3").toString(),
            "--address",
            "127.0.0.1:" + port);
    builder.environment().put("MINIO_ROOT_USER", ACCESS);
    builder.environment().put("MINIO_ROOT_PASSWORD", SECRET);
    builder.redirectErrorStream(true).redirectOutput(place.resolve("minio.log").toFile());
    synchronized (this) {
      refuseIfClosed();
      processes.add(builder.start());
    }
    URI endpoint = URI.create("http://127.0.0.1:" + port);
    try (var client = HttpClient.newHttpClient()) {
      var live = HttpRequest.newBuilder(endpoint.resolve("/minio/health/live")).build();
      await(
          "MinIO",
          () -> {
            try {
              return client.send(live, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
            } catch (java.net.ConnectException notYet) {
              return false;
            }
          });
    }
    return endpoint;
  }

  private static Optional<Path> onPath(String name) {
    String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
    return Stream.of(path.split(java.io.File.pathSeparator, -1))
        .filter(part -> !part.isEmpty())
        .map(part -> Path.of(part, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static Map<String, String> local(Scene scene, String token) {
    Path tls = scene.authority().file().resolveSibling("server.pem");
    return Map.of(
        "RS_API_TOKEN", token,
        "RS_CERT_PATH", tls.toString(),
        "RS_CERT_KEY_PATH", tls.resolveSibling("server-key.pem").toString(),
        "RS_REPLICATION_CA_PATH", scene.authority().file().toString(),
        "RS_REPLICATION_TIMEOUT", "1");
  }

  private static Map<String, String> cloud(Scene scene, String token, String name) {
    var settings = new HashMap<>(local(scene, token));
    settings.put("RS_REMOTE_BACKEND_TYPE", "s3");
    settings.put("RS_REMOTE_BUCKET", BUCKET);
    settings.put("RS_REMOTE_ENDPOINT", scene.s3().toString());
    settings.put("RS_REMOTE_ACCESS_KEY", ACCESS);
    settings.put("RS_REMOTE_SECRET_KEY", SECRET);
    settings.put("RS_REMOTE_SYNC_INTERVAL", "2");
    settings.put("RS_REMOTE_CACHE_PATH", scene.place().resolve(name + "-cache").toString());
    return settings;
  }

  /** Starts the cloud store again until the lease of the one that died has ended. */
  private Process restart(Scene scene, Map<String, String> settings)
      throws IOException, InterruptedException {
    boolean told = false;
    long end = clock.monotonicNanos() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS_MAX);
    while (true) {
      Process process = spawn(scene, "cloud-again", settings);
      Path log = scene.log("cloud-again");
      while (process.isAlive() && !Files.readString(log).contains(" is ready ")) {
        TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
      }
      String text = Files.readString(log);
      if (process.isAlive() || text.contains(" is ready ")) {
        return process;
      }
      if (!text.contains("lease ends in") || clock.monotonicNanos() > end) {
        throw new IOException("the cloud store does not start again:\n" + text);
      }
      if (!told) {
        told = true;
        teller.phase(
            "The cloud store may not start before the lease of the one that died has ended:\n  "
                + text.lines()
                    .filter(line -> line.contains("lease ends in"))
                    .findFirst()
                    .orElse(""));
      }
      TimeUnit.SECONDS.sleep(3);
    }
  }

  private synchronized Path makeFolder() throws IOException {
    refuseIfClosed();
    Path made;
    if (keep.isPresent()) {
      made = keep.get().toAbsolutePath();
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

  private static String token(String name, Path place) throws IOException {
    var random = SystemRandom.secure();
    String token = "%016x%016x".formatted(random.nextLong(), random.nextLong());
    Files.writeString(place.resolve(name + ".token"), token + "\n");
    return token;
  }

  private synchronized Process spawn(Scene scene, String name, Map<String, String> settings)
      throws IOException {
    refuseIfClosed();
    Process process = ServerProcess.spawn(scene.place().resolve(name), scene.log(name), settings);
    processes.add(process);
    return process;
  }

  private synchronized Link openLink(int port) throws IOException {
    refuseIfClosed();
    Link opened = Link.start(port, LINK_BYTES_PER_SECOND, clock, SystemRandom.secure());
    link = opened;
    return opened;
  }

  private void refuseIfClosed() throws IOException {
    if (closed) {
      throw new IOException("it is being stopped");
    }
  }

  private static void delete(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Stops everything and clears away what was made. */
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
      if (stand != null) {
        stand.close();
      }
      if (folder != null && keep.isEmpty()) {
        delete(folder);
      }
    } catch (IOException failed) {
      teller.phase("Not everything could be cleared away: " + failed);
    }
  }
}
