package io.pannier.extract.ros;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Spool;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.Compression;
import io.pannier.robotics.mcap.McapWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Damaged and hostile recordings, messages and definitions: refused, within memory and time. */
class HostileInputTest {
  /** A query that may use little, and steps so many that it must have ended long before. */
  private static final class LittleWork implements Work {
    private final Work unbounded = Work.unbounded();
    private final long memory;
    private long stepsLeft;
    long reserved;
    long most;

    LittleWork(long memory, long steps) {
      this.memory = memory;
      stepsLeft = steps;
    }

    @Override
    public void check() {
      if (--stepsLeft < 0) {
        throw new PannierException.Invalid("too much CPU time");
      }
    }

    @Override
    public void reserve(long bytes) {
      if (bytes < 0 || reserved + bytes > memory) {
        throw new PannierException.Invalid("too much memory");
      }
      reserved += bytes;
      most = Math.max(most, reserved);
    }

    @Override
    public void release(long bytes) {
      reserved -= bytes;
    }

    @Override
    public long memoryBytes() {
      return memory;
    }

    @Override
    public long memoryLeft() {
      return memory - reserved;
    }

    @Override
    public long cpuNanosLeft() {
      return 1_000_000_000;
    }

    @Override
    public Hook onStop(Runnable hook) {
      return () -> {};
    }

    @Override
    public Spool spool() {
      return unbounded.spool();
    }
  }

  private static final List<String> OPERATIONS =
      List.of(
          "{'extract':{'topic':'/image','encode':{'data':'jpeg'},'as_label':{'w':'width','f':'header.frame_id'}}}",
          "{'extract':{'topic':'/image','format':'png','recover':true}}",
          "{'extract':{'topic':'/text','recover':true}}",
          "{'transform':{'include':['/.*'],'duration':'1s','size':'10KB'}}",
          "{'transform':{'recover':true}}",
          "{'summary':{}}");

  private static byte[] recording(Compression compression) throws IOException {
    var out = new ByteArrayOutputStream();
    var options = McapWriter.Options.of("ros1").with(compression).withChunkBytes(2_000);
    try (var writer = new McapWriter(out, options)) {
      int image =
          writer.schema("sensor_msgs/Image", "ros1msg", RecordingTest.utf8(RawExtractTest.IMAGE));
      int text = writer.schema("std_msgs/String", "ros1msg", RecordingTest.utf8("string data"));
      int images = writer.channel(image, "/image", "ros1", Map.of());
      int texts = writer.channel(text, "/text", "ros1", Map.of());
      for (int i = 0; i < 30; i++) {
        long time = 1_000_000_000L * i;
        writer.message(images, i, time, time, image(i));
        writer.message(
            texts, i, time, time, ByteBuffer.wrap(new byte[] {3, 0, 0, 0, 'a', 'b', 'c'}));
      }
    }
    return out.toByteArray();
  }

  private static ByteBuffer image(int seconds) {
    return ByteBuffer.allocate(200)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0)
        .putInt(seconds)
        .putInt(0)
        .putInt(3)
        .put("cam".getBytes(StandardCharsets.US_ASCII))
        .putInt(8)
        .putInt(12)
        .putInt(5)
        .put("mono8".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 0)
        .putInt(12)
        .putInt(96)
        .put(new byte[96])
        .flip();
  }

  private static byte[] damaged(byte[] good, Random random) {
    byte[] bad = good.clone();
    switch (random.nextInt(4)) {
      case 0 -> bad = Arrays.copyOf(bad, random.nextInt(bad.length));
      case 1 -> {
        // A length, an offset or a count.
        int at = random.nextInt(bad.length - 8);
        ByteBuffer.wrap(bad).order(ByteOrder.LITTLE_ENDIAN).putInt(at, random.nextInt());
      }
      case 2 -> {
        int at = random.nextInt(bad.length - 1);
        Arrays.fill(
            bad, at, Math.min(bad.length, at + random.nextInt(100)), (byte) random.nextInt());
      }
      default -> {
        for (int i = random.nextInt(8); i >= 0; i--) {
          bad[random.nextInt(bad.length)] = (byte) random.nextInt();
        }
      }
    }
    return bad;
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void damagedRecordingsAreRefusedOrRead(Compression compression) throws IOException {
    byte[] good = recording(compression);
    int refused = 0;
    for (int seed = 0; seed < 600; seed++) {
      var random = new Random(seed);
      byte[] bad = damaged(good, random);
      var work = new LittleWork(32 << 20, 100_000);
      RosRun run = RosRun.of(OPERATIONS.get(seed % OPERATIONS.size())).within(work);
      try {
        for (Item item :
            (random.nextBoolean() ? run.conditional() : run)
                .on(RosRun.record("drive", 1, "application/mcap", bad))) {
          assertThat(item.body().length()).isLessThan(1 << 20);
        }
      } catch (PannierException.Invalid expected) {
        refused++;
        assertThat(expected).as("seed " + seed).hasMessageNotContaining("CPU time");
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
      assertThat(work.most).isLessThanOrEqualTo(32 << 20);
    }
    assertThat(refused).isBetween(60, 590);
  }

  @Test
  void memoryThatWasReservedIsGivenBack() throws IOException {
    var work = new LittleWork(32 << 20, 1_000_000);
    for (String operation : OPERATIONS) {
      RosRun.of(operation)
          .within(work)
          .on(RosRun.record("drive", 1, "application/mcap", recording(Compression.ZSTD)));
      assertThat(work.reserved).as(operation).isZero();
    }
  }

  @Test
  void damagedMessagesAreRefusedOrRead() {
    String definition =
        """
        std_msgs/Header header
        geometry_msgs/Point[] points
        string[] names
        uint8[] data
        float32[9] k
        ===
        MSG: geometry_msgs/Point
        float64 x
        float64 y
        float64 z
        """;
    byte[] good = new byte[300];
    new Random(1).nextBytes(good);
    for (int seed = 0; seed < 1_500; seed++) {
      var random = new Random(seed);
      byte[] bad = damaged(good, random);
      for (int i = 0; i < bad.length; i++) {
        bad[i] = random.nextInt(3) == 0 ? bad[i] : 0;
      }
      String encoding = random.nextBoolean() ? "ros1" : "cdr";
      if (bad.length > 4) {
        bad[1] = (byte) random.nextInt(8);
      }
      try {
        RosRun.of(
                "{'extract':{'as_label':{'x':'points[0].x','n':'names[1]'},'encode':{'data':'base64'}}}")
            .schema("e", encoding, "/t", "a/B", definition)
            .within(new LittleWork(1 << 20, 10_000))
            .on(RosRun.record("e", 1, "application/" + encoding, bad));
      } catch (PannierException.Invalid expected) {
        assertThat(expected).as("seed " + seed).hasMessageNotContaining("CPU time");
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  @Test
  void damagedDefinitionsAreRefusedOrRead() {
    String idl =
        "module a { module msg { typedef double d[3]; enum E { X, Y }; struct B { d v; sequence<string<5>, 3> s; unsigned long long n; E e; }; }; };";
    for (int seed = 0; seed < 1_500; seed++) {
      var random = new Random(seed);
      boolean isIdl = seed % 2 == 0;
      byte[] bytes =
          damaged(
              (isIdl ? "IDL: a/msg/B\n" + idl : RawExtractTest.IMAGE)
                  .getBytes(StandardCharsets.US_ASCII),
              random);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      try {
        RosRun.of("{'extract':{}}")
            .schema(
                "e", isIdl ? "cdr" : "ros1", "/t", isIdl ? "a/msg/B" : "sensor_msgs/Image", text)
            .within(new LittleWork(1 << 20, 10_000))
            .on(RosRun.record("e", 1, "application/cdr", new byte[64]));
      } catch (PannierException.Invalid expected) {
        assertThat(expected).as("seed " + seed).hasMessageNotContaining("CPU time");
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  /** A zstd frame of zeros: blocks that are one byte, repeated (RFC 8878 §3.1.1). */
  private static byte[] zstd(int size) {
    int blockMax = 128 << 10;
    ByteBuffer frame =
        ByteBuffer.allocate(9 + 4 * (size / blockMax + 1)).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(0xFD2FB528).put((byte) 0xa0).putInt(size);
    for (int left = size; left > 0; left -= blockMax) {
      int last = left <= blockMax ? 1 : 0;
      int header = last | 1 << 1 | Math.min(left, blockMax) << 3;
      frame.put((byte) header).put((byte) (header >> 8)).put((byte) (header >> 16)).put((byte) 0);
    }
    return Arrays.copyOf(frame.array(), frame.position());
  }

  /** A chunk that says how large it is, of zeros. */
  private static byte[] bomb(long claimed, int actual) throws IOException {
    byte[] zeros = zstd(actual);
    var out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'M', 'C', 'A', 'P', '0', '\r', '\n'});
    out.writeBytes(record(0x01, ByteBuffer.allocate(8)));
    ByteBuffer channel = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    channel.putShort((short) 1).putShort((short) 0).putInt(2).put((byte) '/').put((byte) 'a');
    channel.putInt(4).put("ros1".getBytes(StandardCharsets.US_ASCII)).putInt(0);
    out.writeBytes(record(0x04, channel.flip()));
    ByteBuffer chunk =
        ByteBuffer.allocate(64 + zeros.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(0)
            .putLong(9)
            .putLong(claimed)
            .putInt(0)
            .putInt(4)
            .put("zstd".getBytes(StandardCharsets.US_ASCII))
            .putLong(zeros.length)
            .put(zeros)
            .flip();
    out.writeBytes(record(0x06, chunk));
    out.writeBytes(record(0x0f, ByteBuffer.allocate(4)));
    return out.toByteArray();
  }

  private static byte[] record(int opcode, ByteBuffer content) {
    return ByteBuffer.allocate(9 + content.remaining())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) opcode)
        .putLong(content.remaining())
        .put(content)
        .array();
  }

  @Test
  void chunksThatGrowBeyondAllBoundsAreRefused() throws IOException {
    for (byte[] file :
        List.of(
            bomb(400L << 20, 400 << 20),
            bomb(1L << 50, 1_000),
            bomb(-1, 1_000),
            bomb(10, 1 << 20))) {
      for (String more : List.of("", ",'recover':true")) {
        var work = new LittleWork(32 << 20, 10_000);
        RosRun run = RosRun.of("{'extract':{'topic':'/a'" + more + "}}").within(work);
        Item item = RosRun.record("drive", 1, "application/mcap", file);
        if (more.isEmpty()) {
          assertThatThrownBy(() -> run.on(item))
              .isInstanceOf(PannierException.Invalid.class)
              .hasMessageStartingWith("Failed to read the MCAP recording: ");
        } else {
          try {
            assertThat(run.on(item)).isEmpty();
          } catch (PannierException.Invalid expected) {
            assertThat(expected).hasMessageContaining("allowed");
          }
        }
      }
    }
  }

  @Test
  void chunksThatAllOverlapDoNotFillTheMemory() throws IOException {
    var out = new ByteArrayOutputStream();
    var options = McapWriter.Options.of("").withChunkBytes(1 << 20);
    try (var writer = new McapWriter(out, options)) {
      int channel = writer.channel(0, "/a", "raw", Map.of());
      // Each chunk has something of the beginning and something of the end.
      for (int i = 0; i < 100; i++) {
        writer.message(channel, 0, i, i, ByteBuffer.allocate(1 << 19));
        writer.message(channel, 0, 1_000_000 + i, 0, ByteBuffer.allocate(1 << 19));
      }
    }
    Item item = RosRun.record("drive", 1, "application/mcap", out.toByteArray());
    assertThatThrownBy(
            () -> RosRun.of("{'transform':{}}").within(new LittleWork(32 << 20, 100_000)).on(item))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageContaining("would have to be held");
    assertThat(RosRun.of("{'transform':{}}").on(item)).hasSize(1);
  }

  @Test
  void expressionsThatTakeForEverAreEnded() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, McapWriter.Options.of(""))) {
      int channel = writer.channel(0, "a".repeat(60) + "!", "raw", Map.of());
      writer.message(channel, 0, 1, 1, ByteBuffer.allocate(1));
    }
    Item item = RosRun.record("drive", 1, "application/mcap", out.toByteArray());
    assertThatThrownBy(() ->
            RosRun.of("{'transform':{'include':['(a|aa)+\\\\1!!']}}")
                .within(new LittleWork(32 << 20, 100_000))
                .on(item))
        .hasMessage("too much CPU time");
  }

  @Test
  void anImageThatClaimsToBeLargeTakesNothing() {
    ByteBuffer image = image(1);
    image.putInt(19, 1 << 19).putInt(23, 1 << 19);
    byte[] body = new byte[image.remaining()];
    image.get(body);
    var work = new LittleWork(1 << 20, 1_000);
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{'format':'jpeg'}}")
                .schema("e", "ros1", "/t", "sensor_msgs/Image", RawExtractTest.IMAGE)
                .within(work)
                .on(RosRun.record("e", 1, "application/ros1", body)))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("Failed to encode an image: ");
  }
}
