package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.query.Timers;
import io.pannier.store.BackupSelection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Backups, restores, verification and scrub over HTTP (docs/backup.md). */
class BackupRoutesTest extends ApiFixture {
  private final TurnedClock turned = new TurnedClock();

  @Override
  ServerConfig configure(ServerConfig usual) {
    return usual.withClock(turned);
  }

  private Wire.Answer begin(String json) throws IOException {
    return send("POST", "backups", json.replace('\'', '"'));
  }

  private static String id(Wire.Answer answer) {
    return answer.header("x-pannier-backup").orElseThrow();
  }

  /** Words of the first line of a kind. */
  private static String[] line(Wire.Answer answer, String kind) {
    return answer
        .text()
        .lines()
        .filter(line -> line.startsWith(kind + " "))
        .findFirst()
        .orElseThrow()
        .split(" ");
  }

  @Test
  void aBlockIsFetchedAsTheListingSays() throws Exception {
    record("e", 1, "first");
    record("e", 2, "second");
    Wire.Answer listing = begin("{'buckets':['" + bucket + "']}");
    assertThat(listing.status()).isEqualTo(200);
    assertThat(listing.text()).startsWith("pannier-backup 1\nstore ").contains("\nend ");
    assertThat(line(listing, "bucket")).endsWith(bucket);
    assertThat(listing.text()).doesNotContain("text tokens");
    String[] block = line(listing, "block");
    long bytes = Long.parseLong(block[4]);
    Path file;
    try (var files = Files.walk(folder.resolve("b"))) {
      file =
          files
              .filter(path -> path.toString().endsWith("/" + block[1] + "/" + block[2] + ".blk"))
              .filter(path -> path.toFile().length() == bytes)
              .findFirst()
              .orElseThrow();
    }
    byte[] content = Files.readAllBytes(file);
    String path = "backups/" + id(listing) + "/0?bytes=" + bytes + "&changes=0";

    Wire.Answer whole = send("GET", path);
    assertThat(whole.status()).isEqualTo(200);
    assertThat(Arrays.copyOf(whole.body(), (int) bytes)).isEqualTo(content);
    assertThat(whole.header("x-pannier-from")).hasValue("0");

    String digest =
        HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(content, 100)));
    Wire.Answer rest = send("GET", path + "&had=100:" + digest);
    assertThat(rest.header("x-pannier-from")).hasValue("100");
    assertThat(rest.body()).hasSize((int) bytes - 100 + 4);
    Wire.Answer other = send("GET", path + "&had=99:" + digest);
    assertThat(other.header("x-pannier-from")).hasValue("0");

    assertThat(send("GET", path.replace("bytes=" + bytes, "bytes=" + (bytes + 1))).status())
        .isEqualTo(422);
    assertThat(send("GET", path + "&had=x").error()).contains("'had' must be pairs");
    assertThat(send("GET", path.replace("&changes=0", "")).error())
        .isEqualTo("Missing 'changes' parameter");
    assertThat(send("GET", path.replace("/0?", "/7?")).status()).isEqualTo(422);
    store.removeBucket(bucket);
    while (Files.exists(file)) {
      Thread.onSpinWait();
    }
    assertThat(send("GET", path).status()).isEqualTo(404);
    assertThat(send("DELETE", "backups/" + id(listing)).status()).isEqualTo(200);
    assertThat(send("GET", path).summary())
        .isEqualTo("409 Backup '" + id(listing) + "' is not known, or has ended");
  }

  @Test
  void whatCannotBeBackedUpIsRefused() throws IOException {
    assertThat(begin("{'bucket':['x']}").summary())
        .isEqualTo("422 Unknown field 'bucket': expected buckets, from, to");
    assertThat(begin("{'from':5,'to':5}").summary()).isEqualTo("422 'to' must be behind 'from'");
    assertThat(begin("{'from':'x'}").status()).isEqualTo(422);
    assertThat(begin("[]").status()).isEqualTo(422);
    assertThat(begin("{'buckets':['nobody']}").summary())
        .isEqualTo("404 Bucket 'nobody' is not found");
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < SnapshotSessions.MAX; i++) {
      ids.add(id(begin("{}")));
    }
    Wire.Answer third = begin("");
    assertThat(third.status()).isEqualTo(503);
    assertThat(third.header("retry-after")).hasValue("30");
    assertThat(send("DELETE", "backups/" + ids.getFirst()).status()).isEqualTo(200);
    assertThat(begin("").status()).isEqualTo(200);
  }

  @Test
  void aBackupThatNobodyAsksForEndsByItself() throws Exception {
    record("e", 1, "first");
    var tasks = new ArrayList<Runnable>();
    Timers timers =
        (delay, task) -> {
          tasks.add(task);
          return () -> {};
        };
    try (var sessions = new SnapshotSessions(server.context(), timers)) {
      var session = sessions.begin(BackupSelection.ALL);
      session.use(snapshot -> snapshot.list(line -> {}));
      turned.pass(Duration.ofMinutes(9));
      tasks.removeFirst().run();
      assertThat(sessions.get(session.id)).isSameAs(session);
      turned.pass(Duration.ofMinutes(2));
      tasks.removeFirst().run();
      assertThat(tasks).isEmpty();
      assertThatThrownBy(() -> sessions.get(session.id))
          .isInstanceOf(PannierException.Conflict.class);
    }
  }

  // ---------------------------------------------------------------- restore

  /** What a restore of the bucket is sent. */
  private byte[] stream() throws IOException {
    Wire.Answer listing = begin("{'buckets':['" + bucket + "']}");
    var out = new ByteArrayOutputStream();
    out.writeBytes("pannier-backup 1\n".getBytes(StandardCharsets.UTF_8));
    int number = 0;
    for (String line : listing.text().lines().toList()) {
      String[] words = line.split(" ", -1);
      if (List.of("bucket", "entry", "block", "end").contains(words[0])) {
        out.writeBytes((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
      if (words[0].equals("block")) {
        out.writeBytes(
            send(
                    "GET",
                    "backups/"
                        + id(listing)
                        + "/"
                        + number++
                        + "?bytes="
                        + words[4]
                        + "&changes="
                        + words[5])
                .body());
      }
    }
    send("DELETE", "backups/" + id(listing));
    return out.toByteArray();
  }

  private Wire.Answer restore(String name, byte[] body) throws IOException {
    return send(request("POST", "restores/" + name).body(body));
  }

  @Test
  void aBucketComesBackUnderAnotherName() throws IOException {
    record("e/f", 1, "first", "a=b");
    record("e/f", 2, "second");
    send("DELETE", "b/" + bucket + "/e/f?ts=2");
    record("g", 5, "x".repeat(100_000));
    byte[] stream = stream();
    Wire.Answer answer = restore("back", stream);
    assertThat(answer.text())
        .startsWith("{\"bucket\":\"back\",\"entries\":3,\"records\":2,\"bytes\":")
        .endsWith("\"damage\":[]}");
    Wire.Answer read = send("GET", "b/back/e/f?ts=1");
    assertThat(read.text()).isEqualTo("first");
    assertThat(read.header("x-reduct-label-a")).hasValue("b");
    assertThat(send("GET", "b/back/e/f?ts=2").status()).isEqualTo(404);
    assertThat(send("GET", "b/back/g?ts=5").body()).hasSize(100_000);
    assertThat(restore("back", stream).summary()).isEqualTo("409 Bucket 'back' already exists");
    assertThat(restore("cut?from=2&to=6", stream).text()).contains("\"records\":1");
    assertThat(send("GET", "b/cut/g?ts=5").body()).hasSize(100_000);
    assertThat(send("GET", "b/cut/e/f?ts=1").status()).isEqualTo(404);
    assertThat(restore("x?from=a", stream).status()).isEqualTo(422);
    assertThat(restore("not%20fit", stream).status()).isEqualTo(422);
  }

  @Test
  void whatIsNotWholeLeavesNothing() throws Exception {
    record("e", 1, "first");
    byte[] stream = stream();
    byte[] flipped = stream.clone();
    flipped[stream.length - 40] ^= 1;
    assertThat(restore("back", flipped).summary())
        .isEqualTo("400 The bytes of a block do not match their checksum");
    for (int length : new int[] {10, 60, 200, stream.length - 30, stream.length - 1}) {
      assertThat(restore("back", Arrays.copyOf(stream, length)).status()).isIn(400, 422);
      assertThat(send("GET", "b/back").status()).isEqualTo(404);
    }
    byte[] other = stream.clone();
    other[15] = '2';
    assertThat(restore("back", other).summary())
        .isEqualTo("422 The body is no restore of a version that is known");
    assertThat(restore("back", new byte[0]).status()).isEqualTo(400);
    // A connection that ends in the middle.
    try (var cut = new Wire(server.port())) {
      cut.write(
          Arrays.copyOf(request("POST", "restores/back").body(stream).bytes(), stream.length - 50));
    }
    Wire.Answer whole = restore("back", stream);
    while (whole.status() == 503 || whole.status() == 409) {
      whole = restore("back", stream);
    }
    assertThat(whole.status()).isEqualTo(200);
    restart();
    assertThat(send("GET", "b/back/e?ts=1").text()).isEqualTo("first");
  }

  @Test
  void damageThatIsRestoredIsTold() throws IOException {
    record("e", 1, "first");
    byte[] stream = stream();
    String text = new String(stream, StandardCharsets.ISO_8859_1);
    int body = text.indexOf("first");
    stream[body] ^= 1;
    int begin = text.indexOf("PNRBLOCK");
    int end = text.indexOf("end ", body) - 4;
    var crc = new CRC32C();
    crc.update(stream, begin, end - begin);
    ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN).putInt(end, (int) crc.getValue());
    Wire.Answer answer = restore("back", stream);
    assertThat(answer.text()).contains("body does not match its checksums");
    assertThat(send("GET", "b/back/e?ts=1").status()).isEqualTo(500);
  }

  // ---------------------------------------------------------------- verify and scrub

  @Test
  void theWholeStoreIsVerifiedAndScrubbed() throws IOException {
    record("e", 1, "first");
    Wire.Answer sound = send("POST", "verify");
    assertThat(sound.text().lines().toList().getLast())
        .startsWith("{\"clean\":true,\"buckets\":1,\"entries\":1,\"blocks\":1,\"records\":1,");
    assertThat(send("GET", "scrub").text()).contains("\"current\":null,\"last\":null");
    scrubbed(1);
    assertThat(send("GET", "scrub").text()).contains("\"damaged\":0,\"findings\":[]");
    Path block = folder.resolve("b/1/1/1.blk");
    byte[] bytes = Files.readAllBytes(block);
    bytes[bytes.length - 50] ^= 1;
    Files.write(block, bytes);
    assertThat(send("POST", "verify").text())
        .contains("\"finding\":\"DAMAGE\",\"path\":\"b/1/1/1.blk\"")
        .contains("{\"clean\":false");
    scrubbed(2);
    assertThat(send("GET", "scrub").text())
        .contains("\"pass\":2")
        .contains("\"finding\":\"DAMAGE\",\"path\":\"b/1/1/1.blk\"");
  }

  private void scrubbed(int pass) throws IOException {
    send("POST", "scrub");
    while (!send("GET", "scrub").text().contains("\"last\":{\"pass\":" + pass)) {
      turned.pass(Duration.ofSeconds(1));
    }
  }
}
