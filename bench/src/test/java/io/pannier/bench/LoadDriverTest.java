package io.pannier.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The driver against the floor server: what was sent lies in the file. */
class LoadDriverTest {
  @TempDir private Path folder;
  private Path file;
  private FloorServer floor;

  @BeforeEach
  void open() throws IOException, InterruptedException {
    file = folder.resolve("floor.data");
    floor = new FloorServer(Map.of("--port", "0", "--file", file.toString(), "--loops", "1"));
  }

  @AfterEach
  void close() throws IOException {
    floor.close();
  }

  private record Outcome(int code, String out, String err) {
    boolean has(String member) {
      return out.contains(member + ",") || out.contains(member + "}");
    }
  }

  private static Outcome run(String... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int code =
        LoadDriver.run(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            arguments);
    return new Outcome(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private Outcome drive(String arguments) {
    var all = new ArrayList<>(List.of(arguments.split(" ")));
    all.addAll(List.of("--url", "http://127.0.0.1:" + floor.port(), "--warmup", "0", "--json"));
    return run(all.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--mode blocking",
        "--mode selector",
        "--connections 5 --entries 3",
        "--labels a=b,c=d --start-ts 5 --step 10"
      })
  void singleRecordsArrive(String how) throws IOException {
    var outcome = drive("--workload write --operations 50 --size 100 " + how);
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.has("\"operations\":50")).isTrue();
    assertThat(outcome.has("\"bytes\":5000")).isTrue();
    assertThat(Files.size(file)).isEqualTo(5000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--mode blocking", "--mode selector", "--connections 3"})
  void largeRecordsArriveWhole(String how) throws IOException {
    var outcome = drive("--workload write --operations 3 --size 3M " + how);
    assertThat(outcome.code()).isZero();
    byte[] written = Files.readAllBytes(file);
    var payload = new byte[3_000_000];
    Workload.payload(payload.length).get(payload);
    assertThat(written).hasSize(9_000_000).startsWith(payload).endsWith(payload);
  }

  @ParameterizedTest
  @ValueSource(strings = {"v1", "v2"})
  void batchesArrive(String protocol) throws IOException {
    var outcome =
        drive("--workload write-batch --operations 4 --batch 7 --size 10 --protocol " + protocol);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.has("\"records\":28")).isTrue();
    assertThat(Files.size(file)).isEqualTo(280);
  }

  @ParameterizedTest
  @ValueSource(strings = {"100", "200K"})
  void readsBringBack(String size) {
    var outcome = drive("--workload read --fill 10 --operations 20 --connections 2 --size " + size);
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.has("\"records\":20")).isTrue();
    assertThat(outcome.has("\"bytes\":" + (size.equals("100") ? 2_000 : 4_000_000))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1000", "200K"})
  void everyRecordHasAContentOfItsOwn(String size) throws IOException {
    var outcome = drive("--workload write --operations 62 --verify --size " + size);
    assertThat(outcome.code()).isZero();
    byte[] written = Files.readAllBytes(file);
    int length = written.length / 62;
    var contents = new java.util.HashSet<String>();
    for (int i = 0; i < 62; i++) {
      contents.add(HexFormat.of().formatHex(written, i * length, i * length + 16));
    }
    assertThat(contents).hasSize(61);
  }

  @Test
  void anotherContentIsAnError() {
    // The floor server knows no times: it answers with what lies somewhere in its file.
    var outcome = drive("--workload read --fill 10 --operations 20 --verify --start-ts 3");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.out()).contains("the content is not what was written");
    assertThat(drive("--workload read --fill 10 --operations 20 --verify --start-ts 0").code())
        .isZero();
  }

  @Test
  void labelsCount() throws IOException {
    var outcome =
        drive("--workload write-batch --operations 3 --batch 7 --size 10 --counters a=5,b=100");
    assertThat(outcome.code()).isZero();
    assertThat(Files.size(file)).isEqualTo(210);
  }

  @Test
  void objectsAreWrittenInTheWayOfS3() {
    // The floor server takes no PUT: the request was understood, and refused.
    var outcome = drive("--workload write --protocol s3 --token a:b");
    assertThat(outcome.err()).contains("bucket bench: 404");
  }

  @Test
  void theServersProcessIsWatched() {
    var outcome = drive("--workload alive --operations 50 --pid " + ProcessHandle.current().pid());
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).contains("\"server_cpu_us_per_op\":", "\"server_rss_peak_mb\":");
  }

  @Test
  void failuresAreTold() {
    var outcome = drive("--workload list --operations 5 --connections 2");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.has("\"errors\":5")).isTrue();
    assertThat(outcome.has("\"errors_by_status\":{\"404\":5}")).isTrue();
    assertThat(drive("--workload list --operations 50 --max-errors 7").err())
        .contains("7 operations failed");
    assertThat(drive("--workload list --operations 50 --max-errors 7").out())
        .contains("\"errors\":7");
    assertThat(run("--workload", "alive", "--url", "http://127.0.0.1:1").err())
        .contains("Connection refused");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--workload dance",
        "--workload read",
        "--workload write --size",
        "--workload write --size -3",
        "--workload write --size 3X",
        "--workload write --speed 3",
        "--workload query --records 1 --protocol s3",
        "--workload write-batch --verify",
        "--workload write-batch --counters a",
        "--workload write-batch --counters a=0",
        "--workload write --connections 2 --mode blocking",
        "--workload write --url ftp://example"
      })
  void badUsageIsRefused(String arguments) {
    var outcome = run(arguments.split(" "));
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("--help");
  }

  @Test
  void helpHelps() {
    assertThat(run("--help").out()).contains("--workload");
  }
}
