package io.pannier.server;

import static io.pannier.server.Wire.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.SystemClock;
import io.pannier.server.settings.Settings;
import io.pannier.store.Store;
import io.pannier.store.StoreConfig;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Declared buckets over the whole way: environment, start, HTTP, and the next start. */
class ProvisioningTest {
  @TempDir Path folder;

  /** What is done with a running server. */
  private interface Use {
    void with(Wire wire) throws IOException;
  }

  private void serve(Map<String, String> variables, Use use) throws IOException {
    var environment = new HashMap<>(variables);
    environment.put("RS_DISABLE_AUTH", "true");
    environment.put("RS_HOST", "127.0.0.1");
    environment.put("RS_PORT", "0");
    Settings.Outcome outcome = Settings.read(environment, Map.of(), "host");
    assertThat(outcome.report().mistakes()).isEmpty();
    Settings settings = outcome.settings().orElseThrow();
    var config = settings.serverConfig(settings.authentication().orElseThrow(), "0");
    try (var scheduler = new PlatformScheduler(2);
        Store store =
            Store.open(
                new StoreConfig(
                    new RealDisk(folder),
                    new SystemClock(),
                    new Random(5),
                    scheduler,
                    settings.limits(4096),
                    settings.bucketDefaults(),
                    settings.ack(),
                    (kind, text, subject, cause) -> {},
                    "test"));
        Server server = Server.start(config)) {
      server.open(store);
      try (var wire = new Wire(server.port())) {
        use.with(wire);
      }
    }
  }

  private static String settings(Wire wire, String bucket) throws IOException {
    String body = wire.send(request("GET", "b/" + bucket)).text();
    return body.substring(body.indexOf("\"settings\""), body.indexOf(",\"entries\""));
  }

  private static String json(String type, long size, long blockSize, long blockRecords) {
    return "\"settings\":{\"quota_type\":\"%s\",\"quota_size\":%d,\"max_block_size\":%d,\"max_block_records\":%d}"
        .formatted(type, size, blockSize, blockRecords);
  }

  @Test
  void aDeclaredBucketIsThereAndNobodysToChange() throws IOException {
    Map<String, String> declared =
        Map.of(
            "RS_BUCKET_A_NAME", "cams",
            "RS_BUCKET_A_QUOTA_TYPE", "FIFO",
            "RS_BUCKET_A_QUOTA_SIZE", "1GB",
            "RS_DEFAULTS_BUCKET_MAX_BLOCK_RECORDS", "7");
    serve(
        declared,
        wire -> {
          assertThat(settings(wire, "cams")).isEqualTo(json("FIFO", 1_000_000_000, 64_000_000, 7));
          assertThat(wire.send(request("GET", "list")).text()).contains("\"is_provisioned\":true");
          assertThat(wire.send(request("PUT", "b/cams").body("{}")).summary())
              .contains("409", "Can't change settings of provisioned bucket 'cams'");
          assertThat(
                  wire.send(request("PUT", "b/cams/rename").body("{\"new_name\":\"x\"}")).summary())
              .contains("409", "Can't rename provisioned bucket 'cams'");
          assertThat(wire.send(request("DELETE", "b/cams")).summary())
              .contains("409", "Can't remove provisioned bucket 'cams'");
          assertThat(wire.send(request("POST", "b/cams/e?ts=1").body("x")).status()).isEqualTo(200);
          assertThat(wire.send(request("DELETE", "b/cams/e")).status()).isEqualTo(200);
        });
    // Declared no more: an ordinary bucket with its last settings.
    serve(
        Map.of(),
        wire -> {
          assertThat(settings(wire, "cams")).isEqualTo(json("FIFO", 1_000_000_000, 64_000_000, 7));
          assertThat(wire.send(request("GET", "list")).text()).contains("\"is_provisioned\":false");
          assertThat(wire.send(request("PUT", "b/cams").body("{\"max_block_records\":9}")).status())
              .isEqualTo(200);
        });
    // What is given again goes over what is stored; what is not given stays.
    serve(
        Map.of("RS_BUCKET_B_NAME", "cams", "RS_BUCKET_B_QUOTA_TYPE", "none"),
        wire -> {
          assertThat(settings(wire, "cams")).isEqualTo(json("NONE", 1_000_000_000, 64_000_000, 9));
          assertThat(wire.send(request("DELETE", "b/cams")).status()).isEqualTo(409);
        });
    serve(
        Map.of(),
        wire -> assertThat(wire.send(request("DELETE", "b/cams")).status()).isEqualTo(200));
  }

  @Test
  void defaultsFillWhatACreatorLeavesOut() throws IOException {
    serve(
        Map.of(
            "RS_DEFAULTS_BUCKET_QUOTA_TYPE", "HARD",
            "RS_DEFAULTS_BUCKET_QUOTA_SIZE", "5MB",
            "RS_DEFAULTS_BUCKET_MAX_BLOCK_SIZE", "1MB"),
        wire -> {
          assertThat(wire.send(request("GET", "info")).text())
              .contains(
                  "\"defaults\":{\"bucket\":{\"quota_type\":\"HARD\",\"quota_size\":5000000,"
                      + "\"max_block_size\":1000000,\"max_block_records\":1024}}");
          wire.send(request("POST", "b/a"));
          assertThat(settings(wire, "a")).isEqualTo(json("HARD", 5_000_000, 1_000_000, 1024));
          wire.send(request("POST", "b/b").body("{\"quota_size\":9}"));
          assertThat(settings(wire, "b")).isEqualTo(json("HARD", 9, 1_000_000, 1024));
        });
    serve(
        Map.of(),
        wire -> {
          wire.send(request("PUT", "b/b").body("{\"quota_type\":\"FIFO\"}"));
          assertThat(settings(wire, "b")).isEqualTo(json("FIFO", 9, 1_000_000, 1024));
        });
  }

  @Test
  void theCapOverAllBucketsIsTold() throws IOException {
    serve(
        Map.of("RS_ENGINE_MAX_STORAGE_SIZE", "1000"),
        wire -> {
          wire.send(request("POST", "b/a"));
          wire.send(request("POST", "b/b").body("{\"quota_type\":\"FIFO\",\"quota_size\":9000}"));
          String body = "x".repeat(800);
          assertThat(wire.send(request("POST", "b/a/e?ts=1").body(body)).status()).isEqualTo(200);
          assertThat(wire.send(request("POST", "b/b/e?ts=1").body(body)).summary())
              .contains("500", "storage limit exceeded");
          Wire.Answer batch =
              wire.send(
                  request("POST", "b/b/e/batch")
                      .header("x-reduct-time-5", "800,text/plain")
                      .body(body));
          assertThat(batch.status()).isEqualTo(200);
          assertThat(batch.own("x-reduct-error-5"))
              .containsExactly("x-reduct-error-5: 500,storage limit exceeded");
          assertThat(wire.send(request("DELETE", "b/a/e?ts=1")).status()).isEqualTo(200);
          assertThat(wire.send(request("POST", "b/b/e?ts=1").body(body)).status()).isEqualTo(200);
        });
  }

  @Test
  void roomToBeLeftFreeIsNotOffered() throws IOException {
    serve(
        Map.of("PANNIER_MIN_FREE_SPACE", "1PB"),
        wire -> {
          wire.send(request("POST", "b/a"));
          assertThat(wire.send(request("POST", "b/a/e?ts=1").body("x")).summary())
              .contains("507", "Not enough free disk space in the data folder")
              .contains("only 0 bytes available");
        });
  }
}
