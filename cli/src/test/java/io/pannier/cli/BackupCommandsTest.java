package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.server.access.Authentication;
import io.pannier.server.settings.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Backups of a server that works, and what comes back of them, by the commands. */
@Timeout(240)
class BackupCommandsTest {
  private static final String TOKEN = "a-token-of-more-than-thirty-two-characters";
  private static final Map<String, String> VARIABLES = Map.of("PANNIER_TOKEN", TOKEN);

  /** Most records of an entry. */
  private static final int RECORDS_MAX = 5_000;

  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final HttpClient client = HttpClient.newHttpClient();

  private int run(Object command, String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return new CommandLine(command)
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  private int backup(String... arguments) {
    return run(new BackupCommand(VARIABLES), arguments);
  }

  private int restore(String... arguments) {
    return run(new RestoreCommand(VARIABLES), arguments);
  }

  private JsonNode json() throws IOException {
    return Json.parse(out.toString().lines().toList().getLast());
  }

  private static Service serve(Path data) {
    Settings settings =
        Environment.read(
                Map.of("RS_HOST", "127.0.0.1", "RS_PORT", "0", "PANNIER_SCRUB_RATE", "1GB"),
                data,
                null,
                null)
            .settings()
            .orElseThrow();
    return Service.start(
        data, settings, settings.serverConfig(new Authentication.Provisioned(TOKEN), Main.VERSION));
  }

  private static String url(Service service) {
    return "http://127.0.0.1:" + service.port();
  }

  private HttpResponse<String> ask(
      Service service, String method, String path, String body, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url(service) + "/api/v1/" + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .header("authorization", "Bearer " + TOKEN);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private String target() {
    return folder.resolve("backup").toString();
  }

  /**
   * What was acknowledged: per record every text it may have; and what somebody set out to remove.
   */
  private static final class Acknowledged {
    final Map<String, Set<String>> values = new ConcurrentHashMap<>();
    final Set<String> leaving = ConcurrentHashMap.newKeySet();

    void is(String record, String value) {
      values.computeIfAbsent(record, _ -> ConcurrentHashMap.newKeySet()).add(value);
    }
  }

  private void write(Service service, String entry, AtomicBoolean stop, Acknowledged acknowledged)
      throws Exception {
    // Not without end: on a busy machine a backup may take long, and would never catch up.
    for (int i = 1; i <= RECORDS_MAX && !stop.get(); i++) {
      String record = entry + "?ts=" + i;
      String body = (entry + " " + i + " ").repeat(1 + i % 200);
      var answer = ask(service, "POST", "b/" + record, body, "x-reduct-label-n", "0");
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      acknowledged.is(record, "0 " + body);
      if (i % 5 == 0) {
        String older = entry + "?ts=" + (i - 3);
        String text = acknowledged.values.get(older).iterator().next();
        // From the request on it may be there.
        acknowledged.is(older, "1 " + text.substring(2));
        ask(service, "PATCH", "b/" + older, "", "x-reduct-label-n", "1");
      }
      if (i % 7 == 0) {
        acknowledged.leaving.add(entry + "?ts=" + (i - 6));
        ask(service, "DELETE", "b/" + entry + "?ts=" + (i - 6), "");
      }
    }
  }

  @Test
  void whatWasAcknowledgedBeforeABackupUnderLoadIsInIt() throws Exception {
    var acknowledged = new Acknowledged();
    var stop = new AtomicBoolean();
    Set<String> before;
    Path data = folder.resolve("data");
    Files.createDirectories(data);
    try (Service service = serve(data);
        var writers = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      ask(service, "POST", "b/cams", "{\"max_block_records\": 50}");
      ask(
          service,
          "POST",
          "b/ring",
          "{\"quota_type\": \"FIFO\", \"quota_size\": 200000, \"max_block_records\": 20}");
      ask(service, "POST", "tokens/viewer", "{\"full_access\": true, \"read\": [], \"write\": []}");
      List<Future<?>> writing = new java.util.ArrayList<>();
      for (String entry : List.of("cams/a", "cams/b", "ring/c")) {
        writing.add(
            writers.submit(() -> {
              write(service, entry, stop, acknowledged);
              return null;
            }));
      }
      while (acknowledged.values.size() < 600) {
        Thread.onSpinWait();
      }
      assertThat(backup(url(service), target(), "--json")).as(err.toString()).isZero();
      assertThat(json().path("point").asInt()).isEqualTo(1);
      // Again while it goes on: what is compared is the second point.
      before = Set.copyOf(acknowledged.values.keySet());
      assertThat(backup(url(service), target(), "--json")).as(err.toString()).isZero();
      JsonNode second = json();
      assertThat(second.path("reused_bytes").asLong()).isPositive();
      stop.set(true);
      for (Future<?> each : writing) {
        each.get();
      }
      assertThat(run(new VerifyCommand(VARIABLES), url(service), "--json"))
          .as(out.toString())
          .isZero();
      assertThat(json().path("clean").asBoolean()).isTrue();
      // Now nothing is new, and nothing of it is copied.
      assertThat(backup(url(service), target(), "--bucket", "cams", "--json")).isZero();
      assertThat(backup(url(service), target(), "--bucket", "cams", "--json")).isZero();
      assertThat(json().path("copied_bytes").asLong()).isZero();
      restoredIntoTheServer(service);
      scrubbed(service);
    }
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(folder.resolve("backup/pieces"))))
        .isEqualTo("rwx------");
    assertThat(run(new BackupCommand(VARIABLES), "--verify", target())).as(out.toString()).isZero();
    Path elsewhere = folder.resolve("elsewhere");
    assertThat(restore(target(), "--data", elsewhere.toString(), "--point", "2", "--json"))
        .as(err.toString() + out)
        .isZero();
    assertThat(restore(target(), "--data", elsewhere.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("holds a store");
    assertThat(run(new VerifyCommand(VARIABLES), elsewhere.toString())).as(out.toString()).isZero();
    try (Service service = serve(elsewhere)) {
      assertThat(ask(service, "GET", "tokens/viewer", "").statusCode()).isEqualTo(200);
      compare(service, before, acknowledged);
    }
  }

  private void compare(Service service, Set<String> before, Acknowledged acknowledged)
      throws Exception {
    int found = 0;
    for (String record : before) {
      var answer = ask(service, "GET", "b/" + record, "");
      if (answer.statusCode() == 404) {
        assertThat(record.startsWith("ring/") || acknowledged.leaving.contains(record))
            .as(record)
            .isTrue();
        continue;
      }
      assertThat(answer.statusCode()).as(record).isEqualTo(200);
      String value =
          answer.headers().firstValue("x-reduct-label-n").orElse("") + " " + answer.body();
      assertThat(acknowledged.values.get(record)).as(record).contains(value);
      found++;
    }
    assertThat(found).isGreaterThan(200);
  }

  private void restoredIntoTheServer(Service service) throws Exception {
    assertThat(restore(target(), url(service), "--bucket", "cams")).isEqualTo(2);
    assertThat(err.toString()).contains("already exists").contains("--as");
    assertThat(restore(target(), url(service), "--bucket", "nobody", "--as", "x")).isEqualTo(2);
    assertThat(err.toString()).contains("'nobody' is not in restore point");
    assertThat(restore(target(), url(service), "--bucket", "cams", "--as", "copy", "--json"))
        .as(err.toString())
        .isZero();
    JsonNode mine = Json.parse(ask(service, "GET", "b/cams", "").body());
    JsonNode copy = Json.parse(ask(service, "GET", "b/copy", "").body());
    assertThat(copy.path("info").path("size")).isEqualTo(mine.path("info").path("size"));
    assertThat(copy.path("settings")).isEqualTo(mine.path("settings"));
    for (int i = 0; i < 2; i++) {
      String entry = mine.path("entries").path(i).path("name").asText();
      assertThat(copy.path("entries").path(i)).isEqualTo(mine.path("entries").path(i));
      String time = mine.path("entries").path(i).path("latest_record").asText();
      assertThat(ask(service, "GET", "b/copy/" + entry + "?ts=" + time, "").body())
          .isEqualTo(ask(service, "GET", "b/cams/" + entry + "?ts=" + time, "").body());
    }
    assertThat(
            restore(
                target(),
                url(service),
                "--bucket",
                "cams",
                "--as",
                "hour",
                "--from",
                "10",
                "--to",
                "20"))
        .as(err.toString())
        .isZero();
    JsonNode hour = Json.parse(ask(service, "GET", "b/hour", "").body());
    assertThat(hour.path("info").path("oldest_record").asLong()).isGreaterThanOrEqualTo(10);
    assertThat(hour.path("info").path("latest_record").asLong()).isLessThan(20);
    assertThat(ask(service, "POST", "b/hour/a?ts=1", "goes on").statusCode()).isEqualTo(200);
  }

  private void scrubbed(Service service) throws Exception {
    assertThat(run(new ScrubCommand(VARIABLES), url(service), "--now", "--json"))
        .as(err.toString())
        .isZero();
    do {
      assertThat(run(new ScrubCommand(VARIABLES), url(service), "--json")).isZero();
    } while (!json().path("last").isObject());
    assertThat(json().path("last").path("blocks").asLong()).isGreaterThan(10);
    assertThat(run(new ScrubCommand(VARIABLES), url(service))).isZero();
    assertThat(out.toString()).contains("Pass 1").contains("0 damaged");
  }

  @Test
  void aFolderWithoutAServerIsBackedUpListedAndPruned() throws Exception {
    Path data = folder.resolve("data");
    Files.createDirectories(data);
    try (Service service = serve(data)) {
      ask(service, "POST", "b/cams", "");
      ask(service, "POST", "b/cams/a?ts=1", "one");
    }
    for (int i = 0; i < 3; i++) {
      assertThat(backup("--data", data.toString(), target())).as(err.toString()).isZero();
    }
    assertThat(out.toString()).contains("Restore point 3").contains("copied");
    assertThat(backup("--list", target(), "--json")).isZero();
    assertThat(out.toString().lines()).hasSize(3);
    assertThat(backup("--list", target())).isZero();
    assertThat(out.toString()).contains("cams");
    assertThat(backup("--prune", "1", target())).as(err.toString()).isZero();
    assertThat(out.toString()).contains("2 restore points removed");
    assertThat(backup("--data", data.toString(), target(), "--keep", "1")).isZero();
    assertThat(backup("--list", target(), "--json")).isZero();
    assertThat(json().path("point").asInt()).isEqualTo(4);
    Path piece;
    try (var pieces = Files.walk(folder.resolve("backup/pieces"))) {
      piece = pieces.filter(Files::isRegularFile).sorted().toList().getFirst();
    }
    byte[] bytes = Files.readAllBytes(piece);
    bytes[bytes.length - 1] ^= 1;
    Files.write(piece, bytes);
    assertThat(backup("--verify", target())).isEqualTo(1);
    assertThat(out.toString()).contains(piece.getFileName().toString());
    assertThat(restore(target(), "--data", folder.resolve("back").toString())).isEqualTo(1);
  }

  @Test
  void whatCannotBeDoneIsSaidClearly() throws Exception {
    Path data = folder.resolve("data");
    Files.createDirectories(data);
    assertThat(backup("--data", data.toString(), target())).isEqualTo(2);
    assertThat(err.toString()).contains("is not the data folder of a store");
    assertThat(backup("http://127.0.0.1:1", target())).isEqualTo(2);
    assertThat(err.toString()).contains("no server answers at http://127.0.0.1:1");
    assertThat(backup(target())).isEqualTo(2);
    assertThat(err.toString()).contains("expected the address of a server");
    assertThat(backup("robot", target())).isEqualTo(2);
    assertThat(err.toString()).contains("not an address: robot");
    assertThat(backup("http://x", target(), "--rate", "much")).isEqualTo(2);
    assertThat(err.toString()).contains("expected a size such as 5MB");
    assertThat(backup("http://x", target(), "--rate", "99kB")).isEqualTo(2);
    assertThat(err.toString()).contains("at least 100kB");
    assertThat(backup("http://x", target(), "--from", "yesterday")).isEqualTo(2);
    assertThat(err.toString()).contains("2026-11-21T08:00:00Z");
    assertThat(backup("--list", folder.resolve("nothing").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("There is no");
    assertThat(restore(folder.resolve("nothing").toString(), "--data", "x")).isEqualTo(2);
    assertThat(restore(target(), "http://x")).isEqualTo(2);
    assertThat(err.toString()).contains("name them by --bucket");
    try (Service service = serve(data)) {
      int code = run(new BackupCommand(Map.of("PANNIER_TOKEN", "wrong")), url(service), target());
      assertThat(code).isEqualTo(2);
      assertThat(err.toString()).contains("Invalid token");
      assertThat(backup(url(service), target(), "--bucket", "nobody")).isEqualTo(2);
      assertThat(err.toString()).contains("Bucket 'nobody' is not found");
      Path file = folder.resolve("token.txt");
      Files.writeString(file, TOKEN + "\n");
      int withFile =
          run(
              new BackupCommand(new HashMap<>()),
              url(service),
              target(),
              "--token-file",
              file.toString());
      assertThat(withFile).as(err.toString()).isZero();
      // Nobody knows what is in it: nothing is made of it.
      assertThat(backup(url(service), data.toString())).isEqualTo(2);
      assertThat(err.toString()).contains("is no backup");
      assertThat(restore(target(), "--data", data.toString())).isEqualTo(2);
    }
  }
}
