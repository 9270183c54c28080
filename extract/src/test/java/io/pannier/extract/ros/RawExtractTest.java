package io.pannier.extract.ros;

import static io.pannier.extract.ros.RosRun.content;
import static io.pannier.extract.ros.RosRun.record;
import static io.pannier.extract.ros.RosRun.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Records that are one message each. */
class RawExtractTest {
  static final String IMAGE =
      """
      std_msgs/Header header
      uint32 height
      uint32 width
      string encoding
      uint8 is_bigendian
      uint32 step
      uint8[] data
      ================================================================================
      MSG: std_msgs/Header
      uint32 seq
      time stamp
      string frame_id
      """;
  private static final String POINT = "float64 x\nfloat64 y\nfloat64 z\n";
  private static final String R1 =
      "0700000000f1536515cd5b070300000063616d0200000001000000050000006d6f6e6f3800010000000200000000ff";
  private static final String R2 = "000000000000f83f00000000000000c0000000000000d03f";
  private static final String R3 = "0001000004000000616263000000000000000440030000000102ff01";

  private static byte[] hex(String bytes) {
    return HexFormat.of().parseHex(bytes);
  }

  private static RosRun point(String parameters) {
    return RosRun.of(parameters).schema("arm", "ros1", "/arm/tip", "geometry_msgs/Point", POINT);
  }

  private static Item point() {
    return record("arm", 77, "application/ros1", hex(R2));
  }

  private static Item image(String encoding, int width, int height, int step, byte[] pixels) {
    var body =
        ByteBuffer.allocate(200 + pixels.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(1)
            .putInt(0)
            .putInt(0)
            .putInt(0)
            .putInt(height)
            .putInt(width)
            .putInt(encoding.length())
            .put(encoding.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
            .put((byte) 0)
            .putInt(step)
            .putInt(pixels.length)
            .put(pixels);
    byte[] bytes = new byte[body.flip().remaining()];
    body.get(bytes);
    return record("cam", 5, "application/ros1", bytes);
  }

  private static RosRun images(String parameters) {
    return RosRun.of(parameters).schema("cam", "ros1", "/cam", "sensor_msgs/Image", IMAGE);
  }

  @Test
  void aMessageWithHeaderTakesItsTime() {
    List<Item> out = images("{'extract':{}}").on(record("cam", 9, "application/ros1", hex(R1)));

    assertThat(out).hasSize(1);
    Item item = out.getFirst();
    assertThat(item.timestamp()).isEqualTo(1_700_000_000_123_456L);
    assertThat(item.contentType()).isEqualTo("application/json");
    assertThat(item.labels()).isEqualTo(Labels.of("site", "north"));
    assertThat(item.computed())
        .isEqualTo(Labels.of("encoding", "ros1", "schema", "sensor_msgs/Image", "topic", "/cam"));
    assertThat(text(item))
        .isEqualTo(
            "{\"header\":{\"seq\":7,\"stamp\":{\"sec\":1700000000,\"nsec\":123456789},\"frame_id\":\"cam\"},"
                + "\"height\":2,\"width\":1,\"encoding\":\"mono8\",\"is_bigendian\":0,\"step\":1,\"data\":[0,255]}");
  }

  @Test
  void theDefinitionOfAHeaderMayBeLeftOut() {
    String alone = IMAGE.substring(0, IMAGE.indexOf("===")).replace("std_msgs/Header", "Header");
    List<Item> out =
        RosRun.of("{'extract':{}}")
            .schema("cam", "ros1", "/cam", "sensor_msgs/Image", alone)
            .on(record("cam", 9, "application/ros1", hex(R1)));
    assertThat(content(out.getFirst()).at("/header/seq").intValue()).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void valuesBecomeLabels(boolean conditional) {
    RosRun run = point("{'extract':{'as_label':{'a':'x','b':'$.y','none':'q','deep':'x.y'}}}");
    Item item = (conditional ? run.conditional() : run).on(point()).getFirst();

    assertThat(item.timestamp()).isEqualTo(77);
    assertThat(text(item)).isEqualTo("{\"x\":1.5,\"y\":-2.0,\"z\":0.25}");
    assertThat(item.computed())
        .isEqualTo(
            Labels.of(
                "a",
                "1.5",
                "b",
                "-2.0",
                "encoding",
                "ros1",
                "schema",
                "geometry_msgs/Point",
                "topic",
                "/arm/tip"));
  }

  @Test
  void labelsOfEarlierStepsStay() {
    Item labelled = point().withComputed(Labels.of("kept", "yes", "topic", "old"));
    assertThat(point("{'extract':{}}").on(labelled).getFirst().computed())
        .isEqualTo(
            Labels.of(
                "encoding",
                "ros1",
                "kept",
                "yes",
                "schema",
                "geometry_msgs/Point",
                "topic",
                "/arm/tip"));
  }

  @Test
  void elementsAndNestedFieldsBecomeLabels() {
    String definition =
        """
        geometry_msgs/Point[] points
        int8[4] signed
        string[] names
        bool flag
        uint64 big
        float32 small
        float64 none
        ===
        MSG: geometry_msgs/Point
        float64 x
        float64 y
        float64 z
        """;
    var body =
        ByteBuffer.allocate(200)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(2)
            .putDouble(1)
            .putDouble(2)
            .putDouble(3)
            .putDouble(4)
            .putDouble(5)
            .putDouble(6)
            .put(new byte[] {-1, 2, 3, 4})
            .putInt(1)
            .putInt(3)
            .put((byte) 'a')
            .put((byte) '\n')
            .put((byte) 'b')
            .put((byte) 1)
            .putLong(-1)
            .putFloat(0.1f)
            .putDouble(Double.NaN);
    byte[] bytes = new byte[body.flip().remaining()];
    body.get(bytes);

    Item item =
        RosRun.of(
                "{'extract':{'as_label':{'y':'points[1].y','s':'signed[0]','n':'names[0]','f':'flag','big':'big','small':'small','none':'none','all':'points','past':'points[2].x'}}}")
            .schema("e", "ros1", "/t", "a/B", definition)
            .on(record("e", 1, "application/ros1", bytes))
            .getFirst();

    assertThat(item.computed())
        .isEqualTo(
            Labels.of(
                "big",
                "18446744073709551615",
                "encoding",
                "ros1",
                "f",
                "true",
                "n",
                "a b",
                "s",
                "-1",
                "schema",
                "a/B",
                "small",
                "0.1",
                "topic",
                "/t",
                "y",
                "5.0"));
    assertThat(text(item))
        .isEqualTo(
            "{\"points\":[{\"x\":1.0,\"y\":2.0,\"z\":3.0},{\"x\":4.0,\"y\":5.0,\"z\":6.0}],\"signed\":[-1,2,3,4],"
                + "\"names\":[\"a\\nb\"],\"flag\":true,\"big\":18446744073709551615,\"small\":0.1,\"none\":null}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "string name,float64 v,uint8[] raw,bool ok|0001000004000000616263000000000000000440030000000102ff01|{\"name\":\"abc\",\"v\":2.5,\"raw\":[1,2,255],\"ok\":true}",
        "string name,float64 v|000100000600000068656c6c6f000000000000000000000000000440|{\"name\":\"hello\",\"v\":2.5}",
        "builtin_interfaces/Time t|000100000100000002000000|{\"t\":{\"sec\":1,\"nanosec\":2}}",
        "# nothing|0001000000|{}",
      })
  void cdrIsRead(String definition, String body, String expected) {
    List<Item> out =
        RosRun.of("{'extract':{}}")
            .schema("e", "cdr", "/t", "", definition.replace(',', '\n'))
            .on(record("e", 3, "application/cdr", hex(body)));
    assertThat(out).hasSize(1);
    assertThat(out.getFirst().timestamp()).isEqualTo(3);
    assertThat(text(out.getFirst())).isEqualTo(expected);
  }

  @Test
  void bytesBecomeBase64InAList() {
    RosRun run =
        RosRun.of("{'extract':{'encode':{'raw':'base64','absent':'jpeg'}}}")
            .schema("e", "cdr", "/t", "", "string name\nfloat64 v\nuint8[] raw\nbool ok");
    assertThat(text(run.on(record("e", 3, "application/cdr", hex(R3))).getFirst()))
        .isEqualTo("[{\"name\":\"abc\",\"v\":2.5,\"raw\":\"AQL/\",\"ok\":true}]");
  }

  @Test
  void theListIsAMatterOfTaste() {
    assertThat(text(point("{'extract':{'list':true}}").on(point()).getFirst()))
        .startsWith("[{\"x\"");
    assertThat(
            text(
                images("{'extract':{'encode':{'data':'base64'},'list':false}}")
                    .on(record("cam", 9, "application/ros1", hex(R1)))
                    .getFirst()))
        .startsWith("{\"header\"");
  }

  @Test
  void imagesBecomeJpegAndPng() throws IOException {
    byte[] pixels = new byte[40 * 10];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i % 40 < 20 ? 250 : 5);
    }
    Item image = image("mono8", 40, 10, 40, pixels);

    Item json = images("{'extract':{'encode':{'data':'jpeg'}}}").on(image).getFirst();
    String data = content(json).at("/0/data").textValue();
    assertThat(data).startsWith("/9j/");
    var inJson = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(data)));
    assertThat(inJson.getRaster().getSample(2, 2, 0)).isGreaterThan(240);

    Item jpeg = images("{'extract':{'format':'jpeg'}}").on(image).getFirst();
    assertThat(jpeg.contentType()).isEqualTo("image/jpeg");
    assertThat(jpeg.body().bytes(1 << 20)).isEqualTo(Base64.getDecoder().decode(data));

    Item png = images("{'extract':{'format':'png'}}").conditional().on(image).getFirst();
    assertThat(png.contentType()).isEqualTo("image/png");
    assertThat(png.computed().get("topic")).isEqualTo("/cam");
    var read = ImageIO.read(new ByteArrayInputStream(png.body().bytes(1 << 20)));
    assertThat(read.getRaster().getSample(30, 9, 0)).isEqualTo(5);
  }

  @Test
  void compressedImagesStayAsTheyAre() {
    String definition =
        IMAGE.replaceAll("(?s)uint32 height.*?uint8\\[] data", "string format\nuint8[] data");
    byte[] file = hex("ffd8ffe000104a464946");
    var body =
        ByteBuffer.allocate(100)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(new byte[16])
            .putInt(4)
            .put("jpeg".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
            .putInt(file.length)
            .put(file);
    byte[] bytes = new byte[body.flip().remaining()];
    body.get(bytes);
    Item image = record("cam", 1, "application/ros1", bytes);

    Item jpeg =
        RosRun.of("{'extract':{'format':'jpeg'}}")
            .schema("cam", "ros1", "/c", "sensor_msgs/CompressedImage", definition)
            .on(image)
            .getFirst();
    assertThat(jpeg.body().bytes(100)).isEqualTo(file);

    assertThatThrownBy(() ->
            RosRun.of("{'extract':{'encode':{'data':'png'}}}")
                .schema("cam", "ros1", "/c", "sensor_msgs/msg/CompressedImage", definition)
                .on(image))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage("PNG encoding is not supported for 'jpeg'");
  }

  @Test
  void otherTypesAndPixelsAreRefused() {
    assertThatThrownBy(() ->
            images("{'extract':{'encode':{'data':'jpeg'}}}")
                .on(image("16UC1", 1, 1, 2, new byte[2])))
        .hasMessage("JPEG encoding is not supported for '16UC1'");
    assertThatThrownBy(() ->
            images("{'extract':{'encode':{'data':'jpeg'}}}")
                .on(image("rgb8", 2, 2, 6, new byte[11])))
        .hasMessageContaining("2 rows with 6 bytes each has 11 bytes");
    assertThatThrownBy(() -> point("{'extract':{'format':'jpeg'}}").on(point()))
        .hasMessage("JPEG encoding is not supported for 'geometry_msgs/Point'");
    assertThatThrownBy(() -> point("{'extract':{'encode':{'x':'base64'}}}").on(point()))
        .isInstanceOf(PannierException.Invalid.class);
  }

  @Test
  void theTopicFiltersEntries() {
    assertThat(point("{'extract':{'topic':'/other'}}").on(point())).isEmpty();
    assertThat(point("{'extract':{'topic':'/arm/tip'}}").on(point())).hasSize(1);
  }

  @Test
  void entriesWithoutUsableSchemaAreLeftOut() {
    Item other = record("other", 1, "application/ros1", hex(R2));
    assertThat(point("{'extract':{}}").on(other, point())).hasSize(1);
    assertThat(
            RosRun.of("{'extract':{}}")
                .attached("other", "$schema", "{'encoding':'json','schema':'x'}")
                .attached("arm", "$schema", "'no object'")
                .on(other, point()))
        .isEmpty();
  }

  @Test
  void theOldAttachmentIsReadWhereTheNewOneIsMissing() {
    String base64 =
        Base64.getEncoder().encodeToString(POINT.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    Item octets = record("arm", 77, "application/octet-stream", hex(R2));
    RosRun run =
        RosRun.of("{'extract':{}}")
            .attached(
                "arm",
                "$ros",
                "{'encoding':'ros1','schema_base64':'"
                    + base64
                    + "','schema_name':'geometry_msgs/msg/Point','topic':'/old'}");
    assertThat(run.on(octets).getFirst().computed().get("topic")).isEqualTo("/old");
    assertThat(run.on(octets).getFirst().computed().get("schema")).isEqualTo("geometry_msgs/Point");
    run.schema("arm", "ros1", "/new", "geometry_msgs/Point", POINT);
    assertThat(run.on(octets).getFirst().computed().get("topic")).isEqualTo("/new");
  }

  @Test
  void anEmptyDefinitionIsOneAndNoneIsLookedUp() {
    Item empty = record("e", 1, "application/ros1", new byte[0]);
    assertThat(
            text(
                RosRun.of("{'extract':{}}")
                    .schema("e", "ros1", "/t", "std_msgs/Empty", "")
                    .on(empty)
                    .getFirst()))
        .isEqualTo("{}");
    Item bool = record("e", 1, "application/cdr", hex("0001000001"));
    assertThat(
            text(
                RosRun.of("{'extract':{}}")
                    .attached(
                        "e",
                        "$schema",
                        "{'encoding':'cdr','schema_name':'std_msgs/Bool','topic':'/t'}")
                    .on(bool)
                    .getFirst()))
        .isEqualTo("{\"data\":true}");
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{}}")
                .attached(
                    "e", "$schema", "{'encoding':'cdr','schema_name':'own/Type','topic':'/t'}")
                .on(bool))
        .hasMessage(
            "Failed to read the schema 'own/Type' of topic '/t': the definition does not say what 'own/Type' is");
  }

  @Test
  void protobufIsRead() {
    var schema =
        FileDescriptorSet.newBuilder()
            .addFile(
                FileDescriptorProto.newBuilder()
                    .setName("device.proto")
                    .setPackage("plant")
                    .setSyntax("proto3")
                    .addMessageType(
                        DescriptorProto.newBuilder()
                            .setName("Device")
                            .addField(field("device_id", 1, FieldDescriptorProto.Type.TYPE_STRING))
                            .addField(field("count", 2, FieldDescriptorProto.Type.TYPE_UINT64))
                            .addField(
                                field("temperature", 3, FieldDescriptorProto.Type.TYPE_DOUBLE))
                            .addField(field("raw", 4, FieldDescriptorProto.Type.TYPE_BYTES))
                            .addField(
                                field("values", 5, FieldDescriptorProto.Type.TYPE_FLOAT)
                                    .setLabel(FieldDescriptorProto.Label.LABEL_REPEATED))))
            .build();
    String base64 = Base64.getEncoder().encodeToString(schema.toByteArray());
    RosRun run =
        RosRun.of("{'extract':{'as_label':{'id':'device_id'}}}")
            .schema("e", "protobuf", "/device", "plant.Device", base64);

    Item item =
        run.on(record("e", 8, "application/protobuf", hex("0a02703119000000000000354022020102")))
            .getFirst();

    assertThat(text(item))
        .isEqualTo(
            "{\"device_id\":\"p1\",\"count\":0,\"temperature\":21.0,\"raw\":\"AQI=\",\"values\":[]}");
    assertThat(item.computed())
        .isEqualTo(
            Labels.of(
                "encoding", "protobuf", "id", "p1", "schema", "plant.Device", "topic", "/device"));
    assertThatThrownBy(() -> run.on(record("e", 8, "application/protobuf", hex("0a7f"))))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessageStartingWith("Failed to decode message of topic '/device': ");
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{}}")
                .schema("e", "protobuf", "/device", "plant.Other", base64)
                .on(record("e", 8, "application/protobuf", hex("0a7f"))))
        .hasMessage(
            "Failed to read the Protobuf schema of topic '/device': no message 'plant.Other' in it");
  }

  private static FieldDescriptorProto.Builder field(
      String name, int number, FieldDescriptorProto.Type type) {
    return FieldDescriptorProto.newBuilder()
        .setName(name)
        .setNumber(number)
        .setType(type)
        .setLabel(FieldDescriptorProto.Label.LABEL_OPTIONAL);
  }

  @Test
  void whatCannotBeDecodedSaysSo() {
    assertThatThrownBy(
            () -> point("{'extract':{}}").on(record("arm", 1, "application/ros1", new byte[20])))
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage(
            "Failed to decode message of topic '/arm/tip': the message of 20 bytes ends in the middle of a field");
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{}}")
                .schema("arm", "cdr", "/t", "a/B", "strange/Type x")
                .on(record("arm", 1, "application/cdr", hex(R2))))
        .hasMessage(
            "Failed to read the schema 'a/B' of topic '/t': type 'strange/Type' is used in 'a/B' and not defined");
    assertThatThrownBy(() ->
            RosRun.of("{'extract':{}}")
                .schema("arm", "cdr", "/t", "a/B", "float64 x")
                .on(record("arm", 1, "application/cdr", hex("00020000" + R2))))
        .hasMessageContaining("CDR of kind 2 is not supported");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}|Exactly one of 'extract', 'transform', 'export' must be specified",
        "{'extract':{},'transform':{}}|Exactly one of 'extract', 'transform', 'export' must be specified",
        "{'rosbag':{},'extract':{'topic':'/a'}}|Rosbag archives are not supported: convert them to MCAP",
        "{'extract':5}|'ros.extract' must be a JSON object",
        "{'extract':{'topic':5}}|'ros.extract.topic' must be a text",
        "{'extract':{'encode':{'data':'webp'}}}|'ros.extract.encode.data' must be 'base64', 'jpeg' or 'png', not 'webp'",
        "{'extract':{'encode':[]}}|'ros.extract.encode' must be an object of texts",
        "{'extract':{'as_label':{'a':1}}}|'ros.extract.as_label' must be an object of texts",
        "{'extract':{'as_label':{'a':'x..y'}}}|'ros.extract.as_label' must be a path such as 'pose.position.x' or 'ranges[0]', not 'x..y'",
        "{'extract':{'as_label':{'a=b':'x'}}}|'ros.extract.as_label' must name labels of ASCII without '@', blanks, commas, quotes and '=', not 'a=b'",
        "{'extract':{'as_label':{'@a':'x'}}}|'ros.extract.as_label' must name labels of ASCII without '@', blanks, commas, quotes and '=', not '@a'",
        "{'extract':{'format':'gif'}}|'ros.extract.format' must be 'json', 'jpeg' or 'png'",
        "{'extract':{'list':1}}|'ros.extract.list' must be true or false",
        "{'transform':{'include':['[']}}|'ros.transform.include' has an invalid expression '[': unclosed character class",
        "{'transform':{'include':'x'}}|'ros.transform.include' must be a list of topics or regular expressions",
        "{'transform':{'duration':'0s'}}|'ros.transform.duration' must be greater than 0",
        "{'transform':{'size':'999'}}|'ros.transform.size' must be at least 1KB",
        "{'export':{}}|'ros.export.format' must be 'mcap'",
        "{'export':{'format':'bag'}}|'ros.export.format' must be 'mcap'",
        "{'export':{'format':'mcap','size':'10'}}|'ros.export.size' must be at least 1KB",
      })
  void parametersAreRefused(String parameters, String message) {
    assertThatThrownBy(() -> RosRun.of(parameters).open())
        .isInstanceOf(PannierException.Invalid.class)
        .hasMessage(message);
  }

  @Test
  void pathsThatAreNoneAreRefused() {
    for (String path : List.of("", ".", "a.", ".a", "a[", "a[x]", "a[1]b", "[0]", "a]", "$.")) {
      assertThatThrownBy(() -> new FieldTree().at(path, "p"))
          .as(path)
          .isInstanceOf(PannierException.Invalid.class);
    }
  }
}
