package io.pannier.extract.ros;

import static io.pannier.extract.ros.RosRun.content;
import static io.pannier.extract.ros.RosRun.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.ros.RosRun.CountedBody;
import io.pannier.extract.ros.RosRun.Stored;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.robotics.mcap.Compression;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapWriter;
import io.pannier.robotics.mcap.MessageCursor;
import io.pannier.robotics.mcap.MessageSelection;
import io.pannier.robotics.mcap.RangeSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** MCAP recordings as records. */
class RecordingTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long START = 1_700_000_000L * SECOND;

  static ByteBuffer utf8(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  /** {@code string data} in CDR. */
  private static ByteBuffer string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(9 + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {0, 1, 0, 0})
        .putInt(bytes.length + 1)
        .put(bytes)
        .put((byte) 0)
        .flip();
  }

  private static ByteBuffer ros1String(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(4 + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(bytes.length)
        .put(bytes)
        .flip();
  }

  /** A minute: 10 texts a second, and a blob of {@code blobBytes} each. */
  static byte[] minute(McapWriter.Options options, long start, int blobBytes) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, options)) {
      int text = writer.schema("std_msgs/msg/String", "ros2msg", utf8("string data"));
      int chatter = writer.channel(text, "/chatter", "cdr", Map.of("qos", "reliable"));
      int blob = writer.channel(0, "/camera/blob", "raw", Map.of());
      int camera = writer.channel(text, "/camera/name", "cdr", Map.of());
      byte[] bytes = new byte[blobBytes];
      new java.util.Random(1).nextBytes(bytes);
      for (int i = 0; i < 600; i++) {
        long time = start + i * SECOND / 10;
        writer.message(chatter, i, time, time + 7, string("text " + i));
        writer.message(blob, i, time + 1, time + 1, ByteBuffer.wrap(bytes));
        if (i % 100 == 0) {
          writer.message(camera, i, time + 2, time + 2, string("left"));
        }
      }
    }
    return out.toByteArray();
  }

  private static byte[] minute() throws IOException {
    return minute(McapWriter.Options.of("ros2").withChunkBytes(20_000), START, 500);
  }

  private static Item record(long micros, byte[] file) {
    return RosRun.record("drive", micros, "application/mcap", file);
  }

  private static List<MessageCursor.Found> messages(Item item) throws IOException {
    assertThat(item.contentType()).isEqualTo("application/mcap");
    McapReader reader =
        McapReader.open(RangeSource.of(ByteBuffer.wrap(item.body().bytes(1 << 26))));
    assertThat(reader.summary().damage()).isEmpty();
    var found = new ArrayList<MessageCursor.Found>();
    MessageCursor cursor = reader.messages(MessageSelection.all());
    for (var next = cursor.next(); next != null; next = cursor.next()) {
      found.add(next);
    }
    return found;
  }

  // --- extract

  @ParameterizedTest
  @EnumSource(Compression.class)
  void messagesOfATopicBecomeJson(Compression compression) throws IOException {
    byte[] file =
        minute(McapWriter.Options.of("ros2").with(compression).withChunkBytes(20_000), START, 500);

    List<Item> out =
        RosRun.of("{'extract':{'topic':'/chatter','as_label':{'said':'data'}}}")
            .on(record(5, file));

    assertThat(out).hasSize(600);
    assertThat(text(out.get(7))).isEqualTo("{\"data\":\"text 7\"}");
    assertThat(out.get(7).timestamp()).isEqualTo((START + 7 * SECOND / 10 + 7) / 1_000);
    assertThat(out.get(7).labels()).isEqualTo(Labels.of("site", "north"));
    assertThat(out.get(7).computed())
        .isEqualTo(
            Labels.of(
                "encoding",
                "cdr",
                "said",
                "text 7",
                "schema",
                "std_msgs/String",
                "topic",
                "/chatter"));
  }

  @Test
  void timesWithoutHeaderAreThoseOfPublishing() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, McapWriter.Options.of(""))) {
      int schema = writer.schema("std_msgs/String", "ros1msg", utf8("string data"));
      int channel = writer.channel(schema, "/a", "ros1", Map.of());
      writer.message(channel, 0, 23, 25, ros1String("b"));
      writer.message(channel, 0, 6, 24, ros1String("a"));
    }
    List<Item> items = RosRun.of("{'extract':{'topic':'/a'}}").on(record(5, out.toByteArray()));
    assertThat(items).extracting(Item::timestamp).containsExactly(24L, 25L);
    assertThat(items)
        .extracting(RosRun::text)
        .containsExactly("{\"data\":\"a\"}", "{\"data\":\"b\"}");
  }

  @Test
  void aTopicThatIsNotThereGivesNothing() throws IOException {
    assertThat(RosRun.of("{'extract':{'topic':'/none'}}").on(record(5, minute()))).isEmpty();
    assertThatThrownBy(() -> RosRun.of("{'extract':{}}").on(record(5, minute())))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage("'topic' is required for 'application/mcap'");
    assertThatThrownBy(
            () -> RosRun.of("{'extract':{'topic':'/camera/blob'}}").on(record(5, minute())))
        .hasMessage("Topic '/camera/blob' has no schema");
  }

  @Test
  void schemasOfOtherKindsAreRefused() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, McapWriter.Options.of(""))) {
      int json = writer.schema("x", "jsonschema", utf8("{}"));
      writer.message(writer.channel(json, "/json", "json", Map.of()), 0, 1, 1, utf8("{}"));
      int text = writer.schema("std_msgs/msg/String", "ros2msg", utf8("string data"));
      writer.message(writer.channel(text, "/odd", "ros1", Map.of()), 0, 1, 1, utf8("{}"));
      int idl =
          writer.schema(
              "a/msg/B", "ros2idl", utf8("module a { module msg { struct B { double x; }; }; };"));
      writer.message(
          writer.channel(idl, "/idl", "cdr", Map.of()),
          0,
          1,
          1,
          ByteBuffer.allocate(12).putInt(0x00010000).putDouble(0).flip());
      int bare = writer.schema("std_msgs/msg/String", "", utf8(""));
      writer.message(writer.channel(bare, "/bare", "cdr", Map.of()), 0, 1, 1, string("common"));
    }
    Item record = record(5, out.toByteArray());
    assertThatThrownBy(() -> RosRun.of("{'extract':{'topic':'/json'}}").on(record))
        .hasMessage("Unsupported schema encoding 'jsonschema'");
    assertThatThrownBy(() -> RosRun.of("{'extract':{'topic':'/odd'}}").on(record))
        .hasMessage("Topic '/odd' has messages in 'ros1' with a schema in 'ros2msg'");
    assertThat(text(RosRun.of("{'extract':{'topic':'/idl'}}").on(record).getFirst()))
        .isEqualTo("{\"x\":0.0}");
    assertThat(text(RosRun.of("{'extract':{'topic':'/bare'}}").on(record).getFirst()))
        .isEqualTo("{\"data\":\"common\"}");
  }

  @Test
  void onlyTheChunksOfTheTopicAreRead() throws IOException {
    // The chunks of /camera/name are every hundredth message, those of others ten times as many.
    byte[] file = minute(McapWriter.Options.of("").withChunkBytes(20_000), START, 20_000);
    var body = new CountedBody(file);

    List<Item> out =
        RosRun.of("{'extract':{'topic':'/camera/name'}}").on(new Stored("drive", 5, body, null));

    assertThat(out).hasSize(6);
    assertThat(body.bytes.get()).isLessThan(file.length / 20);
  }

  @Test
  void ofUncompressedChunksOnlyMessagesAreRead() throws IOException {
    byte[] file =
        minute(
            McapWriter.Options.of("").with(Compression.NONE).withChunkBytes(4 << 20),
            START,
            200_000);
    var body = new CountedBody(file);

    List<Item> out =
        RosRun.of("{'extract':{'topic':'/chatter'}}").on(new Stored("drive", 5, body, null));

    assertThat(out).hasSize(600);
    assertThat(text(out.get(599))).isEqualTo("{\"data\":\"text 599\"}");
    // 120 MB, of which the summary and the end of the file are the most.
    assertThat(body.bytes.get()).isLessThan(file.length / 100);
  }

  @Test
  void askingAgainReadsNothingButMessages() throws IOException {
    byte[] file = minute(McapWriter.Options.of("").withChunkBytes(20_000), START, 20_000);
    var extension = new RosExtension();
    var identity = new Object();
    var first = new CountedBody(file);
    JsonNode summary =
        content(
            RosRun.of(extension, "{'summary':{}}")
                .on(new Stored("drive", 5, first, identity))
                .getFirst());
    assertThat(first.reads.get()).isBetween(1, 4);

    var again = new CountedBody(file);
    List<Item> out =
        RosRun.of(extension, "{'summary':{}}").on(new Stored("drive", 5, again, identity));

    assertThat(content(out.getFirst())).isEqualTo(summary);
    assertThat(again.reads.get()).isZero();
    assertThat(
            RosRun.of(extension, "{'extract':{'topic':'/none'}}")
                .on(new Stored("drive", 5, again, identity)))
        .isEmpty();
    assertThat(again.reads.get()).isZero();
    RosRun.of(extension, "{'summary':{}}").on(new Stored("drive", 5, again, new Object()));
    assertThat(again.reads.get()).isPositive();
  }

  @Test
  void manyRecordingsDoNotFillTheMemory() throws IOException {
    var extension = new RosExtension();
    byte[] file = minute(McapWriter.Options.of("").withChunkBytes(500), START, 500);
    var oldest = new Object();
    for (int i = 0; i < 200; i++) {
      Object identity = i == 0 ? oldest : new Object();
      RosRun.of(extension, "{'summary':{}}").on(new Stored("d", i, Body.of(file), identity));
    }
    var body = new CountedBody(file);
    RosRun.of(extension, "{'summary':{}}").on(new Stored("d", 0, body, oldest));
    assertThat(body.reads.get()).isPositive();
  }

  // --- summary

  @Test
  void theSummaryNamesTopicsCountsAndTimes() throws IOException {
    JsonNode summary = content(RosRun.of("{'summary':{}}").on(record(5, minute())).getFirst());

    assertThat(summary.path("profile").textValue()).isEqualTo("ros2");
    assertThat(summary.path("messages").longValue()).isEqualTo(1_206);
    assertThat(summary.path("start_ns").longValue()).isEqualTo(START);
    assertThat(summary.path("end_ns").longValue()).isEqualTo(START + 599 * SECOND / 10 + 1);
    assertThat(summary.path("compression").toString()).isEqualTo("[\"zstd\"]");
    assertThat(summary.path("topics").get(0).toString())
        .isEqualTo(
            "{\"topic\":\"/chatter\",\"schema\":\"std_msgs/msg/String\",\"schema_encoding\":\"ros2msg\",\"encoding\":\"cdr\",\"messages\":600}");
    assertThat(summary.has("damage")).isFalse();
  }

  // --- transform

  @Test
  void topicsAreCutOut() throws IOException {
    List<Item> out =
        RosRun.of("{'transform':{'include':['/camera/.*','/chatter'],'exclude':['.*/blob']}}")
            .on(record(5, minute()));

    assertThat(out).hasSize(1);
    Item item = out.getFirst();
    assertThat(item.entry()).isEqualTo("drive");
    assertThat(item.timestamp()).isEqualTo(START / 1_000);
    assertThat(item.labels()).isEqualTo(Labels.of("site", "north"));
    assertThat(item.computed()).isEqualTo(Labels.EMPTY);
    List<MessageCursor.Found> messages = messages(item);
    assertThat(messages).hasSize(606);
    assertThat(messages.get(0).channel().metadata()).isEqualTo(Map.of("qos", "reliable"));
    assertThat(messages.get(0).schema().orElseThrow().name()).isEqualTo("std_msgs/msg/String");
    assertThat(messages.get(2).message().sequence()).isEqualTo(1);
    assertThat(messages.get(2).message().publishTime()).isEqualTo(START + SECOND / 10 + 7);
    assertThat(messages.get(2).message().data()).isEqualTo(string("text 1"));
  }

  @Test
  void patternsMeanWholeNames() throws IOException {
    assertThat(RosRun.of("{'transform':{'include':['/cam']}}").on(record(5, minute()))).isEmpty();
    assertThat(RosRun.of("{'transform':{'include':['^/camera/name$']}}").on(record(5, minute())))
        .hasSize(1);
  }

  @Test
  void episodesEndByTime() throws IOException {
    List<Item> out = RosRun.of("{'transform':{'duration':'20s'}}").on(record(5, minute()));

    assertThat(out)
        .extracting(Item::timestamp)
        .containsExactly(START / 1_000, START / 1_000 + 20_000_000, START / 1_000 + 40_000_000);
    int sum = 0;
    for (Item item : out) {
      sum += messages(item).size();
    }
    assertThat(sum).isEqualTo(1_206);
  }

  @Test
  void episodesEndBySize() throws IOException {
    List<Item> out =
        RosRun.of("{'transform':{'include':['/camera/blob'],'size':'2KB'}}")
            .on(record(5, minute()));

    // Blobs of 500 bytes, and the channel once.
    assertThat(out).hasSize(200);
    assertThat(messages(out.getFirst())).hasSize(3);
    List<Item> large =
        RosRun.of("{'transform':{'include':['/camera/blob'],'size':'1KB'}}")
            .on(record(5, minute(McapWriter.Options.of(""), START, 5_000)));
    assertThat(large).hasSize(600);
  }

  @Test
  void consecutiveRecordingsAreOneStreamForEachEntry() throws IOException {
    var options = McapWriter.Options.of("ros2");
    byte[] second = minute(options, START + 60 * SECOND, 10);
    List<Item> out =
        RosRun.of("{'transform':{'include':['/chatter'],'duration':'40s'}}")
            .on(
                record(5, minute(options, START, 10)),
                RosRun.record("other", 6, "application/mcap", minute(options, START, 10)),
                record(7, second));

    assertThat(out)
        .extracting(Item::entry)
        .containsExactly("drive", "other", "drive", "drive", "other");
    assertThat(out.stream().filter(item -> item.entry().equals("drive")))
        .extracting(item -> messages(item).size())
        .containsExactly(400, 400, 400);
    assertThat(out.get(2).timestamp()).isEqualTo(START / 1_000 + 40_000_000);
  }

  // --- export

  @Test
  void rawMessagesBecomeOneRecording() throws IOException {
    RosRun run =
        RosRun.of("{'export':{'format':'mcap'}}")
            .schema("a", "cdr", "/text", "std_msgs/String", "string data")
            .schema("b", "cdr", "/other", "std_msgs/msg/String", "string data");
    var inputs = new ArrayList<Item>();
    for (int i = 0; i < 10; i++) {
      byte[] body = string("n" + i).array();
      inputs.add(RosRun.record(i % 2 == 0 ? "a" : "b", 1_000 + i, "application/cdr", body));
    }
    inputs.add(RosRun.record("none", 1_010, "text/plain", new byte[3]));

    List<Item> out = run.on(inputs.toArray(new Item[0]));

    assertThat(out).hasSize(1);
    assertThat(out.getFirst().entry()).isEqualTo("a");
    assertThat(out.getFirst().timestamp()).isEqualTo(1_000);
    assertThat(out.getFirst().labels()).isEqualTo(Labels.of("site", "north"));
    List<MessageCursor.Found> messages = messages(out.getFirst());
    assertThat(messages).hasSize(10);
    assertThat(messages.get(3).channel().topic()).isEqualTo("/other");
    assertThat(messages.get(3).message().sequence()).isEqualTo(1);
    assertThat(messages.get(3).message().logTime()).isEqualTo(1_003_000);
    assertThat(messages.get(3).message().publishTime()).isEqualTo(1_003_000);
    assertThat(messages.get(3).schema().orElseThrow().name()).isEqualTo("std_msgs/msg/String");
    assertThat(messages.get(3).schema().orElseThrow().encoding()).isEqualTo("ros2msg");
    assertThat(
            McapReader.open(RangeSource.of(ByteBuffer.wrap(out.getFirst().body().bytes(1 << 20))))
                .header()
                .profile())
        .isEqualTo("ros2");
    // What was exported can be read again.
    assertThat(text(RosRun.of("{'extract':{'topic':'/text'}}").on(out.getFirst()).get(1)))
        .isEqualTo("{\"data\":\"n2\"}");
  }

  @Test
  void exportsEndByTimeAndSize() {
    var inputs = new ArrayList<Item>();
    for (int i = 0; i < 10; i++) {
      inputs.add(RosRun.record("a", 1_000_000L * i, "application/ros1", new byte[600]));
    }
    Item[] all = inputs.toArray(new Item[0]);
    assertThat(
            RosRun.of("{'export':{'format':'mcap','duration':'4s'}}")
                .schema("a", "ros1", "/a", "a/B", "uint8[600] data")
                .on(all))
        .extracting(Item::timestamp)
        .containsExactly(0L, 4_000_000L, 8_000_000L);
    assertThat(
            RosRun.of("{'export':{'format':'mcap','size':'1.3KB'}}")
                .schema("a", "ros1", "/a", "a/B", "uint8[600] data")
                .on(all))
        .hasSize(5);
  }

  @Test
  void operationsThatAKindLacksAreRefused() throws IOException {
    Item raw = RosRun.record("a", 1, "application/cdr", new byte[8]);
    assertThatThrownBy(
            () -> RosRun.of("{'transform':{}}").schema("a", "cdr", "/a", "a/B", "int32 x").on(raw))
        .hasMessage("'transform' is not possible for 'application/cdr'");
    byte[] file = minute();
    assertThatThrownBy(() -> RosRun.of("{'export':{'format':'mcap'}}").on(record(1, file)))
        .hasMessage("'export' is not possible for 'application/mcap'");
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{'topic':'/a'}}")
                .on(RosRun.record("a", 1, "application/rosbag", new byte[8])))
        .hasMessage("Rosbag archives are not supported: convert them to MCAP");
  }

  // --- damage

  @ParameterizedTest
  @ValueSource(
      strings = {"{'extract':{'topic':'/chatter'%s}}", "{'transform':{'include':['/chatter']%s}}"})
  void aRecordingThatWasCutShortIsToldOrRecovered(String parameters) throws IOException {
    byte[] file = minute();
    Item cut = record(5, Arrays.copyOf(file, file.length / 2));

    assertThatThrownBy(() -> RosRun.of(parameters.formatted("")).on(cut))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("Failed to read the MCAP recording: ")
        .hasMessageEndingWith("; with 'recover': true what is good of it is taken");
    List<Item> out = RosRun.of(parameters.formatted(",'recover':true")).on(cut);
    int count = parameters.contains("extract") ? out.size() : messages(out.getFirst()).size();
    assertThat(count).isBetween(200, 400);
    assertThat(content(RosRun.of("{'summary':{}}").on(cut).getFirst()).path("damage").textValue())
        .contains("the file ends");
  }

  @Test
  void aFailedRecordingTakesItsBeginningAlongOnly() throws IOException {
    byte[] good = minute();
    byte[] bad = good.clone();
    // In the middle of the data: found when the chunk is opened.
    Arrays.fill(bad, good.length / 3, good.length / 3 + 100, (byte) 0x55);
    try (var step = RosRun.of("{'transform':{'include':['/chatter']}}").open()) {
      Item first = record(5, bad);
      Items items = step.commit(first);
      assertThatThrownBy(items::next).isInstanceOf(PannierException.Invalid.class);
      items.close();
      step.discard(first);
      Item second = record(6, good);
      assertThat(step.commit(second).next()).isNull();
      Items flushed = step.flush();
      Item made = flushed.next();
      assertThat(made).isNotNull();
      assertThat(messages(made)).hasSize(600);
      assertThat(flushed.next()).isNull();
    }
  }
}
