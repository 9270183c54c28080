package io.pannier.robotics.mcap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.robotics.mcap.McapRecord.Attachment;
import io.pannier.robotics.mcap.McapRecord.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class McapTest {
  private static final long SECOND = 1_000_000_000L;

  private static ByteBuffer utf8(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  /** 1 000 messages of two topics, slightly out of order, with an attachment and metadata. */
  private static byte[] sample(McapWriter.Options options) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, options)) {
      int schema = writer.schema("std_msgs/msg/String", "ros2msg", utf8("string data"));
      int chatter = writer.channel(schema, "/chatter", "cdr", Map.of("qos", "reliable"));
      int imu = writer.channel(0, "/imu", "json", Map.of());
      for (int i = 0; i < 1_000; i++) {
        long time = (i ^ 3) * SECOND;
        writer.message(i % 4 == 0 ? imu : chatter, i, time, time - 5, utf8("message " + (i ^ 3)));
        if (i == 500) {
          writer.attachment(7, 8, "map.png", "image/png", utf8("a map"));
          writer.metadata("robot", Map.of("name", "a1", "site", "north"));
        }
      }
    }
    return out.toByteArray();
  }

  private static McapReader open(byte[] file) throws IOException {
    return McapReader.open(RangeSource.of(ByteBuffer.wrap(file)));
  }

  private static List<MessageCursor.Found> all(McapReader reader, MessageSelection selection)
      throws IOException {
    var found = new ArrayList<MessageCursor.Found>();
    MessageCursor cursor = reader.messages(selection);
    for (var next = cursor.next(); next != null; next = cursor.next()) {
      found.add(next);
    }
    return found;
  }

  private static String text(Message message) {
    return StandardCharsets.UTF_8.decode(message.data()).toString();
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void whatIsWrittenIsRead(Compression compression) throws IOException {
    byte[] file = sample(McapWriter.Options.of("ros2").with(compression).withChunkBytes(3_000));

    McapReader reader = open(file);

    assertThat(reader.header().profile()).isEqualTo("ros2");
    McapSummary summary = reader.summary();
    assertThat(summary.damage()).isEmpty();
    assertThat(summary.chunks()).hasSizeGreaterThan(10);
    assertThat(summary.statistics().orElseThrow().messageCount()).isEqualTo(1_000);
    assertThat(summary.statistics().orElseThrow().startTime()).isZero();
    assertThat(summary.statistics().orElseThrow().endTime()).isEqualTo(999 * SECOND);
    assertThat(summary.messageCounts()).contains(Map.of(1, 750L, 2, 250L));
    List<MessageCursor.Found> messages = all(reader, MessageSelection.all());
    assertThat(messages).hasSize(1_000);
    for (int i = 0; i < 1_000; i++) {
      Message message = messages.get(i).message();
      assertThat(message.logTime()).isEqualTo(i * SECOND);
      assertThat(message.publishTime()).isEqualTo(i * SECOND - 5);
      assertThat(message.sequence()).isEqualTo(i ^ 3);
      assertThat(text(message)).isEqualTo("message " + i);
    }
    assertThat(messages.get(0).channel().topic()).isEqualTo("/chatter");
    assertThat(messages.get(0).channel().metadata()).isEqualTo(Map.of("qos", "reliable"));
    assertThat(messages.get(0).schema().orElseThrow().name()).isEqualTo("std_msgs/msg/String");
    assertThat(messages.get(3).channel().topic()).isEqualTo("/imu");
    assertThat(messages.get(3).schema()).isEmpty();
    Attachment attachment = reader.attachment(summary.attachments().getFirst());
    assertThat(attachment.name()).isEqualTo("map.png");
    assertThat(StandardCharsets.UTF_8.decode(attachment.data()).toString()).isEqualTo("a map");
    assertThat(reader.metadata(summary.metadata().getFirst()).metadata())
        .isEqualTo(Map.of("name", "a1", "site", "north"));
  }

  @Test
  void equalContentGivesEqualBytes() throws IOException {
    var options = McapWriter.Options.of("ros2").withChunkBytes(3_000);
    assertThat(sample(options)).isEqualTo(sample(options));
  }

  @Test
  void topicsAndTimesAreCut() throws IOException {
    McapReader reader = open(sample(McapWriter.Options.of("").withChunkBytes(3_000)));

    var found = all(reader, MessageSelection.topics("/imu").between(100 * SECOND, 200 * SECOND));

    assertThat(found)
        .extracting(each -> each.message().logTime() / SECOND)
        .containsExactlyElementsOf(
            java.util.stream.LongStream.rangeClosed(100, 200)
                .filter(i -> (i ^ 3) % 4 == 0)
                .boxed()
                .toList());
  }

  @Test
  void ordersAreTheOnesAskedFor() throws IOException {
    McapReader reader = open(sample(McapWriter.Options.of("").withChunkBytes(3_000)));

    var forwards = all(reader, MessageSelection.all());
    var backwards = all(reader, MessageSelection.all().in(MessageSelection.Order.REVERSE_LOG_TIME));
    var file = all(reader, MessageSelection.all().in(MessageSelection.Order.FILE));

    assertThat(backwards).isEqualTo(forwards.reversed());
    assertThat(file)
        .extracting(each -> each.message().sequence())
        .containsExactlyElementsOf(java.util.stream.LongStream.range(0, 1_000).boxed().toList());
  }

  @Test
  void timesAreUnsigned() throws IOException {
    var out = new ByteArrayOutputStream();
    try (var writer = new McapWriter(out, McapWriter.Options.of(""))) {
      int channel = writer.channel(0, "/t", "", Map.of());
      writer.message(channel, 2, -1, -1, utf8("last"));
      writer.message(channel, 1, 5, 5, utf8("first"));
    }

    McapReader reader = open(out.toByteArray());

    assertThat(reader.summary().chunks().getFirst().startTime()).isEqualTo(5);
    assertThat(reader.summary().chunks().getFirst().endTime()).isEqualTo(-1);
    assertThat(all(reader, MessageSelection.all()))
        .extracting(each -> text(each.message()))
        .containsExactly("first", "last");
  }

  /** What a cut costs in reads, where each may be a request over a network. */
  @Test
  void aCutOfALongFileCostsFewReads() throws IOException {
    var out = new ByteArrayOutputStream();
    byte[] frame = new byte[10_000];
    new Random(1).nextBytes(frame);
    try (var writer = new McapWriter(out, McapWriter.Options.of("").withChunkBytes(100_000))) {
      int camera = writer.channel(0, "/camera", "", Map.of());
      int log = writer.channel(0, "/log", "", Map.of());
      for (int i = 0; i < 3_000; i++) {
        boolean early = i < 100;
        writer.message(early ? log : camera, i, i * SECOND, i * SECOND, ByteBuffer.wrap(frame));
      }
    }
    var reads = new ArrayList<Integer>();
    RangeSource whole = RangeSource.of(ByteBuffer.wrap(out.toByteArray()));
    RangeSource counted =
        new RangeSource() {
          @Override
          public long size() throws IOException {
            return whole.size();
          }

          @Override
          public int read(ByteBuffer target, long position) throws IOException {
            reads.add(target.remaining());
            return whole.read(target, position);
          }
        };

    McapReader reader = McapReader.open(counted);
    var minute =
        all(reader, MessageSelection.topics("/camera").between(1_000 * SECOND, 1_059 * SECOND));

    assertThat(minute).hasSize(60);
    // Magic, header with what follows, tail with the summary, seven neighbouring chunks.
    assertThat(reads).hasSize(4);
    assertThat(reads.getLast()).isLessThan(900_000);
    reads.clear();
    assertThat(all(reader, MessageSelection.topics("/log"))).hasSize(100);
    assertThat(reads).hasSize(1);
  }

  @Test
  void aCutFileIsReadAsFarAsItGoes() throws IOException {
    byte[] file = sample(McapWriter.Options.of("ros2").withChunkBytes(3_000));
    McapReader whole = open(file);
    long chunkEnd = 0;
    int messages = 0;
    for (int length = 100; length < file.length; length += 997) {
      McapReader reader = open(Arrays.copyOf(file, length));

      assertThat(reader.summary().damage()).as("cut at %s", length).isPresent();
      var found = all(reader, MessageSelection.all());
      assertThat(found.size()).isGreaterThanOrEqualTo(messages);
      messages = found.size();
      chunkEnd = length;
    }
    assertThat(chunkEnd).isPositive();
    assertThat(messages).isGreaterThan(900);
    assertThat(all(whole, MessageSelection.all())).hasSize(1_000);
  }

  @Test
  void aDamagedChunkCostsOnlyItself() throws IOException {
    byte[] file = sample(McapWriter.Options.of("ros2").withChunkBytes(3_000));
    var chunk = open(file).summary().chunks().get(4);
    file[(int) (chunk.chunkStart() + chunk.chunkLength() - 10)] ^= 1;

    McapReader reader = open(file);

    assertThatThrownBy(() -> all(reader, MessageSelection.all()))
        .isInstanceOfSatisfying(
            McapException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(McapException.Kind.DAMAGED);
              assertThat(e.position()).isEqualTo(chunk.chunkStart());
            });
    // Without its last bytes the file is read from the front: everything but the chunk is found.
    McapReader cut = open(Arrays.copyOf(file, file.length - 1));
    assertThat(all(cut, MessageSelection.all())).hasSizeBetween(900, 999);
  }

  @Test
  void anyFlippedBitIsFoundOrHarmless() throws IOException {
    byte[] file = sample(McapWriter.Options.of("ros2").withChunkBytes(20_000));
    var expected = Set.copyOf(all(open(file), MessageSelection.all()));
    var random = new Random(4);
    for (int i = 0; i < 500; i++) {
      byte[] damaged = file.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        McapReader reader = open(damaged);
        for (var found : all(reader, MessageSelection.all())) {
          assertThat(reader.summary().damage().isPresent() || expected.contains(found)).isTrue();
        }
      } catch (McapException e) {
        assertThat(e).hasMessageContaining("at byte");
      }
    }
  }

  @Test
  void somethingElseIsNoMcap() {
    assertThatThrownBy(() -> open("no such file at all".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOfSatisfying(
            McapException.class, e -> assertThat(e.kind()).isEqualTo(McapException.Kind.FOREIGN));
  }

  @Test
  void filesWithoutChunksAreReadByWalking() throws IOException {
    var encoder = new RecordEncoder();
    var out = new ByteArrayOutputStream();
    out.write(Opcode.MAGIC);
    encoder.write(new McapRecord.Header("", "other"));
    encoder.write(new McapRecord.Channel(9, 0, "/t", "", Map.of()));
    for (long time : new long[] {30, 10, 20}) {
      encoder.write(new Message(9, 0, time, time, utf8("at " + time)));
    }
    encoder.write(new McapRecord.Unknown(0x80, utf8("a later kind")));
    encoder.write(new McapRecord.DataEnd(0));
    encoder.write(new McapRecord.Footer(0, 0, 0));
    ByteBuffer written = encoder.written();
    out.write(written.array(), written.arrayOffset(), written.remaining());
    out.write(Opcode.MAGIC);

    McapReader reader = open(out.toByteArray());

    assertThat(reader.summary().damage()).isEmpty();
    assertThat(reader.summary().messagesOutsideChunks()).isTrue();
    assertThat(all(reader, MessageSelection.all()))
        .extracting(each -> text(each.message()))
        .containsExactly("at 10", "at 20", "at 30");
    assertThat(all(reader, MessageSelection.all().in(MessageSelection.Order.FILE)))
        .extracting(each -> text(each.message()))
        .containsExactly("at 30", "at 10", "at 20");
  }

  /** Counts what is read. */
  private static final class Counted implements RangeSource {
    private final RangeSource source;
    long bytes;

    Counted(byte[] file) {
      source = RangeSource.of(ByteBuffer.wrap(file));
    }

    @Override
    public long size() throws IOException {
      return source.size();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int count = source.read(target, position);
      bytes += count;
      return count;
    }

    @Override
    public int gapBytes() {
      return 0;
    }
  }

  private static byte[] uncompressed(boolean wrongIndex) throws IOException {
    byte[] file = sample(McapWriter.Options.of("").with(Compression.NONE).withChunkBytes(30_000));
    if (wrongIndex) {
      var chunk = open(file).summary().chunks().getFirst();
      long index = java.util.Collections.max(chunk.messageIndexOffsets().values());
      // The offset of its first entry.
      file[(int) index + 9 + 2 + 4 + 8]++;
    }
    return file;
  }

  @Test
  void ofAnUncompressedChunkSingleMessagesAreRead() throws IOException {
    byte[] file = uncompressed(false);
    var source = new Counted(file);
    McapReader reader = McapReader.open(source);
    long opened = source.bytes;
    for (var order : MessageSelection.Order.values()) {
      var selection = MessageSelection.topics("/imu").between(100 * SECOND, 800 * SECOND).in(order);
      var whole = all(open(sample(McapWriter.Options.of("").withChunkBytes(30_000))), selection);
      source.bytes = 0;
      assertThat(all(reader, selection)).isEqualTo(whole).hasSizeGreaterThan(170);
      assertThat(source.bytes).isPositive().isLessThan(opened / 2);
    }
  }

  @Test
  void aMessageIndexThatLeadsAstrayIsFound() throws IOException {
    McapReader reader = open(uncompressed(true));
    assertThatThrownBy(() -> all(reader, MessageSelection.topics("/imu")))
        .isInstanceOfSatisfying(
            McapException.class, e -> assertThat(e.kind()).isEqualTo(McapException.Kind.DAMAGED));
  }

  @Test
  void whatIsKnownOfAFileIsNotReadAgain() throws IOException {
    byte[] file = sample(McapWriter.Options.of("").withChunkBytes(3_000));
    McapContents contents = open(file).contents();
    var source = new Counted(file);
    McapReader again = McapReader.open(source, McapLimits.WIDE, contents);
    assertThat(again.summary().statistics().orElseThrow().messageCount()).isEqualTo(1_000);
    assertThat(source.bytes).isZero();
    assertThat(all(again, MessageSelection.all())).hasSize(1_000);
    assertThat(contents.memoryBytes()).isBetween(1_000L, 100_000L);
  }

  @Test
  void limitsHoldWhateverAFileSays() throws IOException {
    byte[] file = sample(McapWriter.Options.of("").withChunkBytes(30_000));
    var source = RangeSource.of(ByteBuffer.wrap(file));
    for (McapLimits limits :
        List.of(
            new McapLimits(1 << 20, 20_000, 1 << 20),
            new McapLimits(1 << 20, 1 << 20, 20_000),
            new McapLimits(1_000, 1 << 20, 1 << 20))) {
      assertThatThrownBy(
              () -> {
                McapReader reader = McapReader.open(source, limits);
                all(reader, MessageSelection.all());
              })
          .isInstanceOfSatisfying(
              McapException.class,
              e -> assertThat(e.kind()).isEqualTo(McapException.Kind.UNSUPPORTED));
    }
  }
}
