package io.pannier.cli.mcap;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapWriter;
import io.pannier.robotics.mcap.RangeSource;
import io.pannier.robotics.msg.MessageCodec;
import io.pannier.robotics.msg.MessageDefinition;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class McapCommandTest {
  private static final long START = 1_700_000_000_000_000_000L;
  private static final String DEFINITION = "float64 v\nuint8[] raw";

  @TempDir private Path folder;
  private Path drive;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void record() throws Exception {
    drive = folder.resolve("drive.mcap");
    var codec =
        new MessageCodec(
            MessageDefinition.parseRos2("my/msg/Sample", DEFINITION), MessageCodec.Layout.CDR);
    try (OutputStream file = Files.newOutputStream(drive);
        var writer = new McapWriter(file, McapWriter.Options.of("ros2").withChunkBytes(1_000))) {
      int schema = writer.schema("my/msg/Sample", "ros2msg", utf8(DEFINITION));
      int imu = writer.channel(schema, "/imu", "cdr", Map.of());
      int log = writer.channel(0, "/log", "json", Map.of());
      for (int i = 0; i < 200; i++) {
        long time = START + i * 1_000_000_000L;
        double value = i == 3 ? Double.NaN : i / 2.0;
        writer.message(
            imu, i, time, time, codec.encode(Map.of("v", value, "raw", new byte[] {1, 2})));
        writer.message(log, i, time, time, utf8("{\"line\":" + i + "}"));
      }
    }
  }

  private static ByteBuffer utf8(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private int run(String... arguments) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return new CommandLine(new McapCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  @Test
  void infoTellsWhatIsInAFile() {
    assertThat(run("info", drive.toString())).isZero();
    assertThat(out.toString())
        .contains("profile      ros2", "messages     400", "start        2023-11-14T22:13:20Z")
        .contains("200  /imu  my/msg/Sample (ros2msg, cdr)");
    assertThat(run("info", drive.toString(), "--json")).isZero();
    assertThat(out.toString())
        .contains(
            "\"topic\":\"/log\",\"schema\":\"\",\"schema_encoding\":\"\",\"encoding\":\"json\",\"messages\":200");
  }

  @Test
  void catPrintsMessagesAsJson() {
    assertThat(run("cat", drive.toString(), "-t", "/imu", "-n", "4")).isZero();
    assertThat(out.toString().lines())
        .hasSize(4)
        .first()
        .isEqualTo(
            "{\"topic\":\"/imu\",\"sequence\":0,\"log_time\":\"1700000000000000000\","
                + "\"publish_time\":\"1700000000000000000\",\"data\":{\"v\":0.0,\"raw\":\"AQI=\"}}");
    assertThat(out.toString().lines().toList().getLast()).contains("\"v\":null");
    assertThat(
            run("cat", drive.toString(), "-t", "/l.*", "--from", "2023-11-14T22:13:22Z", "-n", "1"))
        .isZero();
    assertThat(out.toString()).contains("\"data\":{\"line\":2}");
  }

  @Test
  void cutWritesTheMessagesThatAreWanted() throws IOException {
    Path cut = folder.resolve("cut.mcap");

    int code =
        run(
            "cut",
            drive.toString(),
            cut.toString(),
            "-t",
            "/imu",
            "--from",
            Long.toString(START + 10_000_000_000L),
            "--to",
            "2023-11-14T22:13:40Z");

    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
    McapReader reader = McapReader.open(RangeSource.of(ByteBuffer.wrap(Files.readAllBytes(cut))));
    assertThat(reader.summary().messageCounts()).contains(Map.of(1, 10L));
    assertThat(reader.summary().channels().get(1).topic()).isEqualTo("/imu");
    assertThat(run("cut", drive.toString(), cut.toString())).isEqualTo(2);
    assertThat(err.toString()).contains("--force");
  }

  @Test
  void aFileThatWasCutShortIsMended() throws IOException {
    byte[] whole = Files.readAllBytes(drive);
    Path broken = folder.resolve("broken.mcap");
    Files.write(broken, Arrays.copyOf(whole, whole.length * 2 / 3));
    Path mended = folder.resolve("mended.mcap");

    assertThat(run("cut", broken.toString(), mended.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("warning: ").contains("at byte");

    assertThat(run("info", mended.toString())).isZero();
    McapReader reader =
        McapReader.open(RangeSource.of(ByteBuffer.wrap(Files.readAllBytes(mended))));
    assertThat(reader.summary().statistics().orElseThrow().messageCount()).isBetween(150L, 399L);
  }

  @Test
  void mistakesAreNamed() throws IOException {
    assertThat(run("info", folder.resolve("none").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("there is no");
    Path text = Files.writeString(folder.resolve("text"), "no such format");
    assertThat(run("info", text.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("no MCAP file");
    assertThat(run("cat", drive.toString(), "--from", "yesterday")).isEqualTo(2);
    assertThat(err.toString()).contains("--from").contains("'yesterday'");
    assertThat(run()).isEqualTo(2);
  }
}
