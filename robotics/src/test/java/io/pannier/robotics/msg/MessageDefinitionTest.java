package io.pannier.robotics.msg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageType.Field;
import org.junit.jupiter.api.Test;

class MessageDefinitionTest {
  private static MessageType root(String text) throws DefinitionException {
    return MessageDefinition.parseRos2("pkg/msg/Root", text).root();
  }

  @Test
  void namesAreResolvedFromWhereTheyAreUsed() throws Exception {
    var definition =
        MessageDefinition.parseRos2(
            "pkg/msg/Root",
            """
            Point own
            geometry_msgs/msg/Point other
            std_msgs/Header header
            ===
            MSG: pkg/Point
            int32 x
            """);
    assertThat(definition.root().fields())
        .containsExactly(
            new Field("own", new FieldType.Nested("pkg/Point")),
            new Field("other", new FieldType.Nested("geometry_msgs/Point")),
            new Field("header", new FieldType.Nested("std_msgs/Header")));
    assertThat(definition.type(new FieldType.Nested("geometry_msgs/Point")).fields())
        .extracting(Field::type)
        .containsOnly(Primitive.FLOAT64);
  }

  @Test
  void aByteIsSignedInRos1Only() throws Exception {
    assertThat(root("byte b").fields().getFirst().type()).isEqualTo(Primitive.UINT8);
    assertThat(MessageDefinition.parseRos1("p/R", "byte b").root().fields().getFirst().type())
        .isEqualTo(Primitive.INT8);
  }

  @Test
  void mistakesAreNamed() {
    assertThatThrownBy(() -> root("int32 x\nfloat64")).hasMessage("line 2 is no field: 'float64'");
    assertThatThrownBy(() -> root("Unknown x"))
        .hasMessage("type 'Unknown' is used in 'pkg/Root' and not defined");
    assertThatThrownBy(() -> root("A a\n===\nMSG: pkg/A\nB b\n===\nMSG: pkg/B\nA a\n"))
        .hasMessage("type 'pkg/A' contains itself");
    assertThatThrownBy(() -> root("int32[0] none")).hasMessageContaining("line 1");
  }

  @Test
  void allCommonTypesAreComplete() throws Exception {
    for (String name :
        new String[] {
          "sensor_msgs/msg/PointCloud2",
          "nav_msgs/Odometry",
          "tf2_msgs/msg/TFMessage",
          "visualization_msgs/msg/MarkerArray",
          "diagnostic_msgs/msg/DiagnosticArray",
          "trajectory_msgs/msg/JointTrajectory",
          "rcl_interfaces/msg/Log"
        }) {
      assertThat(CommonDefinitions.definition(name).root().fields()).as(name).isNotEmpty();
    }
    assertThatThrownBy(() -> CommonDefinitions.definition("my_msgs/msg/Own"))
        .isInstanceOf(DefinitionException.class);
  }

  @Test
  void idlIsReadAsRos2Writes() throws Exception {
    var definition =
        MessageDefinition.parseIdl(
            "pkg/msg/Root",
            """
            ================================================================================
            IDL: pkg/msg/Root
            // generated
            #include "std_msgs/msg/Header.idl"
            module pkg {
              module msg {
                module Root_Constants {
                  const uint32 LIMIT = 4;
                };
                typedef double double__36[36];
                enum Mode { OFF, ON };
                @verbatim (language="comment", text="a ) in a text")
                struct Root {
                  std_msgs::msg::Header header;
                  @key unsigned long long id;
                  @unit(value="m") double__36 covariance;
                  sequence<float, 8> few;
                  sequence<string<16>> names;
                  long grid[2][3];
                  pkg::msg::Mode mode;
                  octet raw, more;
                };
              };
            };
            """);
    assertThat(definition.root().fields())
        .containsExactly(
            new Field("header", new FieldType.Nested("std_msgs/Header")),
            new Field("id", Primitive.UINT64),
            new Field("covariance", new FieldType.Array(Primitive.FLOAT64, 36)),
            new Field("few", new FieldType.Array(Primitive.FLOAT32, 0)),
            new Field("names", new FieldType.Array(new FieldType.Text(false), 0)),
            new Field("grid", new FieldType.Array(new FieldType.Array(Primitive.INT32, 3), 2)),
            new Field("mode", Primitive.UINT32),
            new Field("raw", Primitive.UINT8),
            new Field("more", Primitive.UINT8));
    assertThatThrownBy(() -> MessageDefinition.parseIdl("a/b/C", "struct C { long x; "))
        .hasMessage("the definition ends too early");
  }

  @Test
  void hostileDefinitionsEndSoon() {
    var chain = new StringBuilder("a/T0 x\n");
    var doubling = new StringBuilder("a/T0 x\na/T0 y\n");
    for (int i = 0; i < 5_000; i++) {
      chain.append("===\nMSG: a/T").append(i).append("\na/T").append(i + 1).append(" x\n");
    }
    for (int i = 0; i < 40; i++) {
      String next = "a/T" + (i + 1);
      doubling.append("===\nMSG: a/T").append(i).append('\n');
      doubling.append(next).append("[65536] x\n").append(next).append(" y\n");
    }
    doubling.append("===\nMSG: a/T40\n");
    assertThatThrownBy(() -> MessageDefinition.parseRos1("a/Root", chain.toString()))
        .hasMessage("messages within messages, more than 64 deep");
    // It can be read, but nothing of no bytes is that large.
    assertThatThrownBy(() ->
            new MessageCodec(
                    MessageDefinition.parseRos1("a/Root", doubling.toString()),
                    MessageCodec.Layout.ROS1)
                .decode(java.nio.ByteBuffer.allocate(100)))
        .isInstanceOf(MessageException.class);
    assertThatThrownBy(() -> MessageDefinition.parseIdl("a/B", "module a { ".repeat(100_000)))
        .isInstanceOf(DefinitionException.class);
    assertThatThrownBy(
            () -> MessageDefinition.parseIdl("a/B", "struct B { " + "sequence<".repeat(100_000)))
        .isInstanceOf(DefinitionException.class);
    assertThatThrownBy(
            () -> MessageDefinition.parseIdl("a/B", "const string x = \"" + "y".repeat(1_000_000)))
        .isInstanceOf(DefinitionException.class);
    assertThatThrownBy(() -> MessageDefinition.parseRos2("a/B", "a" + " ".repeat(1_000_000) + "!"))
        .hasMessage("line 1 has 1000002 characters");
    assertThatThrownBy(() -> MessageDefinition.parseRos2("a/B", "a".repeat(5_000_000)))
        .hasMessage("a definition of 5000000 characters");
  }
}
