package io.pannier.robotics.msg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.robotics.msg.MessageCodec.Encapsulation;
import io.pannier.robotics.msg.MessageCodec.Layout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class MessageCodecTest {
  private static final String ROS1_HEADER =
      """

      ================================================================================
      MSG: std_msgs/Header
      uint32 seq
      time stamp
      string frame_id
      """;

  private static final String IMU =
      """
      Header header
      geometry_msgs/Quaternion orientation
      float64[9] orientation_covariance
      geometry_msgs/Vector3 angular_velocity
      float64[9] angular_velocity_covariance
      geometry_msgs/Vector3 linear_acceleration
      float64[9] linear_acceleration_covariance
      """;

  private static final String JOINT_STATE =
      """
      Header header
      string[] name
      float64[] position
      float64[] velocity
      float64[] effort
      """;

  private static byte[] hex(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static Map<String, Object> decode(MessageCodec codec, String hex)
      throws MessageException {
    return codec.decode(ByteBuffer.wrap(hex(hex)));
  }

  private static MessageCodec ros1(String name, String text) throws DefinitionException {
    return new MessageCodec(MessageDefinition.parseRos1(name, text), Layout.ROS1);
  }

  private static MessageCodec cdr(String text) throws DefinitionException {
    return new MessageCodec(MessageDefinition.parseRos2("a/msg/B", text), Layout.CDR);
  }

  /** The vectors R1 to R4 that ReductROS is described by. */
  @Test
  void documentedVectors() throws Exception {
    var image =
        decode(
            ros1(
                "sensor_msgs/Image",
                "Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\n"
                    + "uint32 step\nuint8[] data\n"
                    + ROS1_HEADER),
            "0700000000f1536515cd5b070300000063616d0200000001000000050000006d6f6e6f38000100000002000000"
                + "00ff");
    assertThat(image.get("header"))
        .isEqualTo(
            Map.of(
                "seq",
                7L,
                "stamp",
                Map.of("sec", 1700000000L, "nsec", 123456789L),
                "frame_id",
                "cam"));
    assertThat(image).containsEntry("height", 2L).containsEntry("encoding", "mono8");
    assertThat((byte[]) image.get("data")).containsExactly(0, 255);

    assertThat(
            decode(
                ros1("geometry_msgs/Point", "float64 x\nfloat64 y\nfloat64 z"),
                "000000000000f83f00000000000000c0000000000000d03f"))
        .isEqualTo(Map.of("x", 1.5, "y", -2.0, "z", 0.25));

    var mixed =
        decode(
            cdr("string name\nfloat64 v\nuint8[] raw\nbool ok"),
            "0001000004000000616263000000000000000440030000000102ff01");
    assertThat(mixed)
        .containsEntry("name", "abc")
        .containsEntry("v", 2.5)
        .containsEntry("ok", true);
    assertThat((byte[]) mixed.get("raw")).containsExactly(1, 2, 255);

    assertThat(
            decode(
                cdr("string name\nfloat64 v"),
                "000100000600000068656c6c6f000000000000000000000000000440"))
        .isEqualTo(Map.of("name", "hello", "v", 2.5));
  }

  static Stream<String> vectors() throws IOException {
    try (var in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(MessageCodecTest.class.getResourceAsStream("vectors.txt")),
                StandardCharsets.UTF_8))) {
      return in.lines().filter(line -> !line.startsWith("#")).toList().stream();
    }
  }

  /** Bytes that another implementation made are understood, and made again to the byte. */
  @ParameterizedTest
  @MethodSource("vectors")
  void anotherImplementationAgrees(String vector) throws Exception {
    String[] parts = vector.split(" ", 3);
    boolean ros1 = parts[0].equals("ros1");
    MessageDefinition definition = CommonDefinitions.definition(parts[1]);
    if (ros1) {
      // The fields of ROS 1 differ in the header only.
      String text = parts[1].endsWith("Imu") ? IMU : JOINT_STATE;
      definition = MessageDefinition.parseRos1(parts[1], text + ROS1_HEADER);
    }
    var codec = new MessageCodec(definition, ros1 ? Layout.ROS1 : Layout.CDR);

    var message = decode(codec, parts[2]);

    if (parts[1].endsWith("Imu")) {
      assertThat(message.get("linear_acceleration"))
          .isEqualTo(Map.of("x", -1.5, "y", 0.0, "z", 9.81));
      assertThat(message.get("orientation_covariance"))
          .isEqualTo(List.of(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0));
    } else if (parts[1].endsWith("JointState")) {
      assertThat(message)
          .containsEntry("name", List.of("a", "elbow", "wrist_3"))
          .containsEntry("position", List.of(1.0, 2.0))
          .containsEntry("velocity", List.of())
          .containsEntry("effort", List.of(0.5));
    } else {
      assertThat((List<?>) message.get("transforms")).hasSize(3);
    }
    Encapsulation kind = parts[0].equals("be") ? Encapsulation.CDR_BE : Encapsulation.CDR_LE;
    assertThat(bytes(codec.encode(message, kind))).isEqualTo(hex(parts[2]));
  }

  private static final String EVERYTHING =
      """
      # A comment
      int32 MAX = 5   # a constant
      string GREETING="a # in a text"
      bool flag
      byte octet
      char letter
      int8 i8
      uint8 u8 7
      int16 i16
      uint16 u16
      int32 i32 -1
      uint32 u32
      int64 i64
      uint64 u64
      float32 f32 0.5
      float64 f64
      string text "a default"
      string<=10 bounded
      wstring wide
      bool[] flags
      int32[2] pair
      float64[<=3] few
      string[] texts
      uint8[] blob
      int8[3] fixed_blob
      Inner inner
      Inner[] inners
      other/msg/Nothing nothing
      uint8 last
      ================================================================================
      MSG: a/Inner
      float64 v
      string n
      ================================================================================
      MSG: other/Nothing
      """;

  private static Map<String, Object> everything() {
    return Map.ofEntries(
        Map.entry("flag", true),
        Map.entry("octet", 255),
        Map.entry("letter", 65),
        Map.entry("i8", -128),
        Map.entry("u8", 200),
        Map.entry("i16", -30_000),
        Map.entry("u16", 60_000),
        Map.entry("i32", Integer.MIN_VALUE),
        Map.entry("u32", 0xffffffffL),
        Map.entry("i64", Long.MIN_VALUE),
        Map.entry("u64", new BigInteger("18446744073709551615")),
        Map.entry("f32", 1.5f),
        Map.entry("f64", Math.PI),
        Map.entry("text", "grüße"),
        Map.entry("bounded", ""),
        Map.entry("wide", "a😀"),
        Map.entry("flags", List.of(true, false, true)),
        Map.entry("pair", List.of(1, -1)),
        Map.entry("few", List.of(0.25)),
        Map.entry("texts", List.of("", "b")),
        Map.entry("inner", Map.of("v", 2.0, "n", "x")),
        Map.entry("inners", List.of(Map.of("v", 3.0, "n", ""), Map.of("v", 4.0, "n", "yy"))),
        Map.entry("nothing", Map.of()),
        Map.entry("last", 9));
  }

  @ParameterizedTest
  @EnumSource(Encapsulation.class)
  void everyTypeSurvives(Encapsulation kind) throws Exception {
    roundTrip(cdr(EVERYTHING), kind);
    roundTrip(new MessageCodec(cdr(EVERYTHING).definition(), Layout.ROS1), kind);
  }

  private static void roundTrip(MessageCodec codec, Encapsulation kind) throws MessageException {
    var given = new java.util.HashMap<>(everything());
    given.put("blob", new byte[] {1, -1});
    given.put("fixed_blob", new byte[] {1, 2, 3});

    var decoded = codec.decode(codec.encode(given, kind));

    assertThat((byte[]) decoded.remove("blob")).containsExactly(1, -1);
    assertThat((byte[]) decoded.remove("fixed_blob")).containsExactly(1, 2, 3);
    assertThat(decoded).isEqualTo(everything());
  }

  @Test
  void fieldsLeftOutAreZero() throws Exception {
    var codec = cdr("int32 a\nstring s\nfloat64[2] p\nint32[] q");
    assertThat(codec.decode(codec.encode(Map.of())))
        .isEqualTo(Map.of("a", 0, "s", "", "p", List.of(0.0, 0.0), "q", List.of()));
  }

  @Test
  void whatDoesNotFitIsNamed() throws Exception {
    var codec = cdr("uint8 a\nint32[2] pair\nInner i\n===\nMSG: a/Inner\nfloat64 x\n");
    assertThatThrownBy(() -> codec.encode(Map.of("a", 256)))
        .isInstanceOf(MessageException.class)
        .hasMessage("'a/B.a' cannot hold 256");
    assertThatThrownBy(() -> codec.encode(Map.of("a", "x")))
        .hasMessage("'a/B.a' is a number, not String");
    assertThatThrownBy(() -> codec.encode(Map.of("pair", List.of(1))))
        .hasMessage("'a/B.pair' has 2 elements, not 1");
    assertThatThrownBy(() -> codec.encode(Map.of("i", Map.of("y", 1))))
        .hasMessage("'a/B.i' has no field 'y'");
  }

  @Test
  void damagedMessagesEndWithAnErrorAndCostLittle() throws Exception {
    var codec =
        new MessageCodec(CommonDefinitions.definition("sensor_msgs/msg/JointState"), Layout.CDR);
    byte[] good =
        bytes(
            codec.encode(
                Map.of("name", List.of("a", "bb", "ccc"), "position", List.of(1.0, 2.0, 3.0))));
    for (int length = 0; length < good.length - 4; length++) {
      ByteBuffer cut = ByteBuffer.wrap(Arrays.copyOf(good, length));
      assertThatThrownBy(() -> codec.decode(cut)).isInstanceOf(MessageException.class);
    }
    var random = new Random(3);
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = good.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      try {
        assertThat(codec.decode(ByteBuffer.wrap(damaged))).containsKey("effort");
      } catch (MessageException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
  }

  @Test
  void otherKindsOfCdrAreRefused() throws Exception {
    var codec = cdr("int32 a");
    assertThatThrownBy(() -> decode(codec, "0003000001000000"))
        .isInstanceOf(MessageException.class)
        .hasMessageContaining("kind 3");
  }
}
