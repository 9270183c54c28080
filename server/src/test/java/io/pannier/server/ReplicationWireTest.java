package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.RealDisk;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records travel between two servers over sockets. */
class ReplicationWireTest extends ApiFixture {
  @TempDir Path cloudFolder;
  private PlatformScheduler cloudScheduler;
  private Store cloudStore;
  private Server cloud;
  private Wire far;

  @BeforeEach
  void startCloud() throws IOException {
    cloudScheduler = new PlatformScheduler(2);
    startCloud(0);
  }

  private void startCloud(int port) throws IOException {
    cloud = Server.start(ServerConfig.of(Optional.of(TOKEN)).withAddress("127.0.0.1", port));
    cloudStore =
        Store.open(
            new StoreConfig(
                new RealDisk(cloudFolder),
                new SystemClock(),
                new Random(6),
                cloudScheduler,
                Limits.forHandles(4096),
                BucketSettings.DEFAULT,
                Ack.BUFFERED,
                (kind, text, subject, cause) -> {},
                "cloud"));
    cloud.open(cloudStore);
    far = new Wire(cloud.port());
  }

  @AfterEach
  void stopCloud() throws IOException {
    stopCloudServer();
    cloudScheduler.close();
  }

  private void stopCloudServer() throws IOException {
    far.close();
    cloud.close();
    cloudStore.close();
  }

  private void task(String more) throws IOException {
    task(cloud.port(), more);
  }

  private void task(int port, String more) throws IOException {
    String body =
        ("{'src_bucket':'"
                + bucket
                + "','dst_bucket':'copy','dst_host':'http://127.0.0.1:"
                + port
                + "/','dst_token':'"
                + TOKEN
                + "'"
                + (more.isEmpty() ? "" : "," + more)
                + "}")
            .replace('\'', '"');
    Wire.Answer answer = send("POST", "replications/r", body);
    assertThat(answer.summary()).isEqualTo("200 (no error)");
  }

  private void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 1500 && !condition.getAsBoolean(); i++) {
      Thread.sleep(20); // tidy: polls a condition, with an end
    }
    assertThat(condition.getAsBoolean())
        .as(() -> server.context().replications().get("r").toString())
        .isTrue();
  }

  private long pending() {
    return server.context().replications().get("r").info().pendingRecords();
  }

  private Wire.Answer there(String path) throws IOException {
    return far.send(request("GET", "b/copy/" + path));
  }

  @Test
  void recordsArriveAsTheyAre() throws Exception {
    task("");
    byte[] large = bytes(3_000_000, 3);
    for (int i = 1; i <= 200; i++) {
      record("a/b", i, "body " + i, "n=" + i, "text=x,y");
    }
    send(request("POST", "b/" + bucket + "/large?ts=7").body(large));
    record("empty", 1, "");
    record("odd", 1, "x", "text=a,\"b\"");
    await(() -> pending() == 0);
    assertThat(there("a/b?ts=200").text()).isEqualTo("body 200");
    assertThat(there("a/b?ts=17").own("x-reduct-label"))
        .containsExactly("x-reduct-label-n: 17", "x-reduct-label-text: x,y");
    assertThat(there("a/b?ts=17").header("content-type")).hasValue("text/plain");
    assertThat(there("large?ts=7").body()).isEqualTo(large);
    assertThat(there("empty?ts=1").status()).isEqualTo(200);
    assertThat(there("odd?ts=1").own("x-reduct-label"))
        .containsExactly("x-reduct-label-text: a,\"b\"");
    assertThat(send("GET", "replications/r").text())
        .contains("\"ok\":203,\"errored\":0,\"errors\":{}", "\"is_active\":true");
  }

  @Test
  void changedAndRemovedLabelsArrive() throws Exception {
    task("'dst_prefix':'robot-1'");
    record("e", 1, "x", "a=1", "b=2");
    await(() -> pending() == 0);
    send(
        request("PATCH", "b/" + bucket + "/e?ts=1")
            .header("x-reduct-label-a", "")
            .header("x-reduct-label-b", "3"));
    await(() -> pending() == 0);
    assertThat(there("robot-1/e?ts=1").own("x-reduct-label"))
        .containsExactly("x-reduct-label-b: 3");
  }

  @Test
  void compressedBodiesArrive() throws Exception {
    for (String coding : new String[] {"zstd", "gzip"}) {
      task("'compression':'" + coding + "','dst_prefix':'" + coding + "','from':'oldest'");
      byte[] large = bytes(1_500_000, 4);
      record("e", coding.hashCode() & 0xfff, "small ".repeat(1000));
      send(request("POST", "b/" + bucket + "/" + coding + "?ts=8").body(large));
      await(() -> pending() == 0);
      assertThat(there(coding + "/e?ts=" + (coding.hashCode() & 0xfff)).text())
          .isEqualTo("small ".repeat(1000));
      assertThat(there(coding + "/" + coding + "?ts=8").body()).isEqualTo(large);
      send("DELETE", "replications/r");
    }
  }

  @Test
  void attachmentsGoWithTheirEntry() throws Exception {
    task("'when':{'&never':{'$eq':1}}");
    record("e", 1, "x");
    send(
        request("POST", "b/" + bucket + "/e/$meta?ts=5")
            .header("x-reduct-label-key", "k")
            .body("{}"));
    await(() -> pending() == 0);
    assertThat(there("e/$meta?ts=5").text()).isEqualTo("{}");
    assertThat(there("e?ts=1").status()).isEqualTo(404);
  }

  @Test
  void anOutageIsMadeGoodAfterwards() throws Exception {
    task("");
    record("e", 1, "before");
    await(() -> pending() == 0);
    int port = cloud.port();
    stopCloudServer();
    for (int i = 2; i < 400; i++) {
      record("e", i, "during " + i);
    }
    assertThat(pending()).isEqualTo(398);
    await(() -> !server.context().replications().get("r").info().active());
    startCloud(port);
    await(() -> pending() == 0);
    assertThat(there("e?ts=399").text()).isEqualTo("during 399");
    assertThat(server.context().replications().get("r").diagnostics().lostRecords()).isZero();
  }

  @Test
  void whatIsThereAlreadyIsNoError() throws Exception {
    far.send(request("POST", "b/copy"));
    far.send(request("POST", "b/copy/e?ts=1").header("content-type", "text/plain").body("same"));
    far.send(request("POST", "b/copy/e?ts=2").header("content-type", "text/plain").body("else"));
    task("");
    record("e", 1, "same");
    record("e", 2, "same");
    await(() -> pending() == 0);
    assertThat(send("GET", "replications/r").text())
        .contains(
            "\"ok\":1,\"errored\":1,\"errors\":{\"409\":{\"count\":1", "\"refused_records\":1");
  }

  @Test
  void twoStoresThatCopyEachOtherComeToRest() throws Exception {
    far.send(request("POST", "b/copy"));
    task("");
    String back =
        ("{'src_bucket':'copy','dst_bucket':'"
                + bucket
                + "','dst_host':'http://127.0.0.1:"
                + server.port()
                + "','dst_token':'"
                + TOKEN
                + "'}")
            .replace('\'', '"');
    assertThat(far.send(request("POST", "replications/back").body(back)).status()).isEqualTo(200);
    record("e", 1, "from here", "a=1");
    far.send(request("POST", "b/copy/e?ts=2").header("content-type", "text/plain").body("there"));
    BooleanSupplier rest =
        () ->
            pending() == 0
                && cloud.context().replications().get("back").info().pendingRecords() == 0;
    await(() -> rest.getAsBoolean() && store.bucket(bucket).entry("e").info().recordCount() == 2);
    await(() ->
        rest.getAsBoolean() && cloudStore.bucket("copy").entry("e").info().recordCount() == 2);
    send(request("PATCH", "b/" + bucket + "/e?ts=2").header("x-reduct-label-a", "2"));
    await(rest);
    long here = store.bucket(bucket).entry("e").lastSequence();
    long there = cloudStore.bucket("copy").entry("e").lastSequence();
    assertThat(there("e?ts=2").own("x-reduct-label")).containsExactly("x-reduct-label-a: 2");
    // Nothing was sent back only to hear that it is there.
    assertThat(cloud.context().replications().get("back").diagnostics().ok()).isEqualTo(1);
    assertThat(server.context().replications().get("r").diagnostics().ok()).isEqualTo(2);
    // Rest means that nothing of this comes back: the next record is the next event on both sides.
    record("e", 3, "x");
    await(() -> cloudStore.bucket("copy").entry("e").lastSequence() == there + 1);
    await(rest);
    assertThat(store.bucket(bucket).entry("e").lastSequence()).isEqualTo(here + 1);
  }

  @Test
  void twoStoresThatAreToldDifferentThingsAtOnceComeToRestToo() throws Exception {
    task("");
    record("e", 1, "x", "a=0");
    await(() -> pending() == 0);
    send("PATCH", "replications/r/mode", "{\"mode\":\"paused\"}");
    String back =
        ("{'src_bucket':'copy','dst_bucket':'"
                + bucket
                + "','dst_host':'http://127.0.0.1:"
                + server.port()
                + "','dst_token':'"
                + TOKEN
                + "'}")
            .replace('\'', '"');
    far.send(request("POST", "replications/back").body(back));
    send(request("PATCH", "b/" + bucket + "/e?ts=1").header("x-reduct-label-a", "here"));
    far.send(request("PATCH", "b/copy/e?ts=1").header("x-reduct-label-a", "there"));
    send("PATCH", "replications/r/mode", "{\"mode\":\"enabled\"}");
    BooleanSupplier rest =
        () ->
            pending() == 0
                && cloud.context().replications().get("back").info().pendingRecords() == 0;
    await(rest);
    // Written, changed here, changed from there; and the same over there: nothing went to and fro.
    assertThat(store.bucket(bucket).entry("e").lastSequence()).isLessThanOrEqualTo(3);
    assertThat(cloudStore.bucket("copy").entry("e").lastSequence()).isLessThanOrEqualTo(3);
  }

  /** The reference server, where the environment names one. */
  private static final class Reference implements AutoCloseable {
    final Process process;
    final int port;

    Reference(Path folder) throws IOException, InterruptedException {
      String binary = System.getenv("REDUCTSTORE");
      Assumptions.assumeTrue(binary != null && !binary.isEmpty(), "no reference server");
      try (var free = new java.net.ServerSocket(0)) {
        port = free.getLocalPort();
      }
      var builder = new ProcessBuilder(binary);
      builder.environment().put("RS_DATA_PATH", folder.toString());
      builder.environment().put("RS_HOST", "127.0.0.1");
      builder.environment().put("RS_PORT", Integer.toString(port));
      builder.environment().put("RS_API_TOKEN", TOKEN);
      process =
          builder
              .redirectErrorStream(true)
              .redirectOutput(new File(folder.toFile(), "reference.log"))
              .start();
      for (int i = 0; i < 500; i++) {
        try (var wire = new Wire(port)) {
          if (wire.send(request("GET", "ready")).status() == 200) {
            return;
          }
        } catch (IOException notYet) {
          // It is asked again.
        }
        Thread.sleep(20); // tidy: polls a condition, with an end
      }
    }

    @Override
    public void close() {
      process.destroy();
      try {
        process.waitFor(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Test
  void theReferenceTakesWhatWeSend(@TempDir Path folder) throws Exception {
    try (var reference = new Reference(folder);
        var wire = new Wire(reference.port)) {
      task(reference.port, "'compression':'zstd'");
      for (int i = 1; i <= 100; i++) {
        record("a/b", i, "body " + i, "n=" + i);
      }
      await(() -> pending() == 0);
      send(request("PATCH", "b/" + bucket + "/a/b?ts=5").header("x-reduct-label-n", ""));
      send(request("PATCH", "b/" + bucket + "/a/b?ts=6").header("x-reduct-label-m", "7"));
      await(() -> pending() == 0);
      assertThat(wire.send(request("GET", "b/copy/a/b?ts=100")).text()).isEqualTo("body 100");
      assertThat(wire.send(request("GET", "b/copy/a/b?ts=5")).own("x-reduct-label")).isEmpty();
      assertThat(wire.send(request("GET", "b/copy/a/b?ts=6")).own("x-reduct-label"))
          .containsExactlyInAnyOrder("x-reduct-label-n: 6", "x-reduct-label-m: 7");
      assertThat(send("GET", "replications/r").text()).contains("\"errored\":0,");
    }
  }

  @Test
  void weTakeWhatTheReferenceSends(@TempDir Path folder) throws Exception {
    try (var reference = new Reference(folder);
        var wire = new Wire(reference.port)) {
      wire.send(request("POST", "b/src"));
      String body =
          ("{'src_bucket':'src','dst_bucket':'taken','dst_host':'http://127.0.0.1:"
                  + server.port()
                  + "','dst_token':'"
                  + TOKEN
                  + "','compression':'gzip'}")
              .replace('\'', '"');
      assertThat(wire.send(request("POST", "replications/r").body(body)).status()).isEqualTo(200);
      for (int i = 1; i <= 50; i++) {
        wire.send(
            request("POST", "b/src/e?ts=" + i).header("x-reduct-label-n", "" + i).body("b" + i));
      }
      await(() ->
          store
              .findBucket("taken")
              .flatMap(taken -> taken.findEntry("e"))
              .map(entry -> entry.info().recordCount() == 50)
              .orElse(false));
      wire.send(request("PATCH", "b/src/e?ts=9").header("x-reduct-label-n", "new"));
      await(() -> "new".equals(store.bucket("taken").entry("e").find(9).labels().get("n")));
    }
  }
}
