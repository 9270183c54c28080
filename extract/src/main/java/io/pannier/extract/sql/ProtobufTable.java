package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.WireFormat;
import io.pannier.extract.table.ContentException;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.duckdb.DuckDBConnection;
import org.jspecify.annotations.Nullable;

/**
 * One message of Protocol Buffers as a table of one row, with the names and types of its schema, or
 * with those that were given for numbers of fields.
 */
final class ProtobufTable {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private ProtobufTable() {}

  /**
   * Fills the table.
   *
   * @param source {@code fields}, or {@code message_name} and {@code schema} (a {@code
   *     FileDescriptorSet} in base64)
   */
  static List<String> load(DuckDBConnection connection, byte[] content, JsonNode source)
      throws SQLException, ContentException, EngineException {
    try {
      if (source.has("fields")) {
        return loadFields(connection, content, source.path("fields"));
      }
      Descriptor type = type(source.path("schema").asText(), source.path("message_name").asText());
      DynamicMessage message = DynamicMessage.parseFrom(type, content);
      return JsonTable.load(connection, shape(type, new HashSet<>(), 0), node(message));
    } catch (IOException e) {
      throw new ContentException(String.valueOf(e.getMessage()));
    }
  }

  private static Descriptor type(String schema, String name) throws EngineException {
    FileDescriptorSet set;
    try {
      set = FileDescriptorSet.parseFrom(Base64.getMimeDecoder().decode(schema));
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      throw new EngineException(
          Reply.Fault.SCHEMA, "the schema is no FileDescriptorSet in base64: " + e.getMessage());
    }
    var files = new LinkedHashMap<String, FileDescriptorProto>();
    set.getFileList().forEach(file -> files.put(file.getName(), file));
    var built = new HashMap<String, FileDescriptor>();
    String wanted = name.startsWith(".") ? name.substring(1) : name;
    for (String file : files.keySet()) {
      Descriptor found = find(build(file, files, built, new HashSet<>()).getMessageTypes(), wanted);
      if (found != null) {
        return found;
      }
    }
    throw new EngineException(Reply.Fault.SCHEMA, "the schema has no message '" + name + "'");
  }

  private static @Nullable Descriptor find(Collection<Descriptor> types, String fullName) {
    for (Descriptor type : types) {
      if (type.getFullName().equals(fullName)) {
        return type;
      }
      if (fullName.startsWith(type.getFullName() + ".")) {
        return find(type.getNestedTypes(), fullName);
      }
    }
    return null;
  }

  private static FileDescriptor build(
      String name,
      Map<String, FileDescriptorProto> files,
      Map<String, FileDescriptor> built,
      Set<String> open)
      throws EngineException {
    FileDescriptor done = built.get(name);
    if (done != null) {
      return done;
    }
    FileDescriptorProto file = files.get(name);
    if (file == null) {
      throw new EngineException(
          Reply.Fault.SCHEMA, "the schema lacks the imported file '" + name + "'");
    }
    if (!open.add(name) || open.size() > 200) {
      throw new EngineException(Reply.Fault.SCHEMA, "files of the schema import each other");
    }
    var imports = new ArrayList<FileDescriptor>();
    for (String imported : file.getDependencyList()) {
      imports.add(build(imported, files, built, open));
    }
    open.remove(name);
    try {
      FileDescriptor descriptor =
          FileDescriptor.buildFrom(file, imports.toArray(FileDescriptor[]::new));
      built.put(name, descriptor);
      return descriptor;
    } catch (DescriptorValidationException e) {
      throw new EngineException(Reply.Fault.SCHEMA, "the schema is not valid: " + e.getMessage());
    }
  }

  /** The columns of a type. A type within itself stays JSON. */
  private static Shape.Members shape(Descriptor type, Set<String> around, int depth) {
    var members = new LinkedHashMap<String, Shape>();
    around.add(type.getFullName());
    for (FieldDescriptor field : type.getFields()) {
      Shape shape = shapeOf(field, around, depth);
      members.put(
          field.getName(),
          field.isRepeated() && !field.isMapField() ? new Shape.Items(shape) : shape);
    }
    around.remove(type.getFullName());
    return new Shape.Members(members);
  }

  private static Shape shapeOf(FieldDescriptor field, Set<String> around, int depth) {
    if (field.isMapField()) {
      return Shape.Plain.JSON;
    }
    return switch (field.getJavaType()) {
      case INT -> Shape.Plain.BIGINT;
      case LONG -> isUnsigned(field) ? Shape.Plain.UBIGINT : Shape.Plain.BIGINT;
      case FLOAT, DOUBLE -> Shape.Plain.DOUBLE;
      case BOOLEAN -> Shape.Plain.BOOLEAN;
      case STRING, BYTE_STRING, ENUM -> Shape.Plain.VARCHAR;
      case MESSAGE -> {
        Descriptor type = field.getMessageType();
        boolean stays =
            depth >= Shape.DEPTH_MAX
                || around.contains(type.getFullName())
                || type.getFields().isEmpty();
        yield stays ? Shape.Plain.JSON : shape(type, around, depth + 1);
      }
    };
  }

  private static boolean isUnsigned(FieldDescriptor field) {
    return field.getType() == FieldDescriptor.Type.UINT64
        || field.getType() == FieldDescriptor.Type.FIXED64;
  }

  private static ObjectNode node(Message message) {
    ObjectNode object = NODES.objectNode();
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      if (field.isMapField()) {
        ObjectNode map = object.putObject(field.getName());
        FieldDescriptor valueOf = field.getMessageType().findFieldByNumber(2);
        FieldDescriptor keyOf = field.getMessageType().findFieldByNumber(1);
        for (Object entry : (List<?>) message.getField(field)) {
          if (entry instanceof Message pair) {
            map.set(String.valueOf(pair.getField(keyOf)), value(valueOf, pair.getField(valueOf)));
          }
        }
      } else if (field.isRepeated()) {
        ArrayNode list = object.putArray(field.getName());
        for (Object item : (List<?>) message.getField(field)) {
          list.add(value(field, item));
        }
      } else if (!field.hasPresence() || message.hasField(field)) {
        object.set(field.getName(), value(field, message.getField(field)));
      }
    }
    return object;
  }

  private static JsonNode value(FieldDescriptor field, Object value) {
    return switch (field.getJavaType()) {
      case INT -> {
        boolean unsigned =
            field.getType() == FieldDescriptor.Type.UINT32
                || field.getType() == FieldDescriptor.Type.FIXED32;
        yield NODES.numberNode(
            unsigned ? Integer.toUnsignedLong((Integer) value) : (long) (Integer) value);
      }
      case LONG ->
          isUnsigned(field) ? unsigned((Long) value) : NODES.numberNode((long) (Long) value);
      case FLOAT -> number((Float) value);
      case DOUBLE -> number((Double) value);
      case BOOLEAN -> NODES.booleanNode((Boolean) value);
      case STRING -> NODES.textNode((String) value);
      case BYTE_STRING -> bytes((ByteString) value);
      case ENUM -> NODES.textNode(((EnumValueDescriptor) value).getName());
      case MESSAGE -> node((Message) value);
    };
  }

  private static JsonNode unsigned(long value) {
    return value >= 0
        ? NODES.numberNode(value)
        : NODES.numberNode(new BigInteger(Long.toUnsignedString(value)));
  }

  private static JsonNode bytes(ByteString value) {
    return NODES.textNode(Base64.getEncoder().encodeToString(value.toByteArray()));
  }

  /** A number that JSON has no form for is none. */
  private static JsonNode number(double value) {
    return Double.isFinite(value) ? NODES.numberNode(value) : NODES.nullNode();
  }

  /** By its shortest digits, not by those of the double next to it. */
  private static JsonNode number(float value) {
    return Float.isFinite(value)
        ? NODES.numberNode(new BigDecimal(Float.toString(value)))
        : NODES.nullNode();
  }

  private static List<String> loadFields(
      DuckDBConnection connection, byte[] content, JsonNode fields)
      throws IOException, SQLException, ContentException {
    var shape = new LinkedHashMap<String, Shape>();
    var byNumber = new HashMap<Integer, List<Map.Entry<String, JsonNode>>>();
    for (Map.Entry<String, JsonNode> field : fields.properties()) {
      shape.put(field.getKey(), shapeOf(field.getValue().path("type").asText()));
      byNumber
          .computeIfAbsent(field.getValue().path("id").asInt(), _ -> new ArrayList<>())
          .add(field);
    }
    ObjectNode row = NODES.objectNode();
    CodedInputStream in = CodedInputStream.newInstance(content);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      List<Map.Entry<String, JsonNode>> wanted =
          byNumber.getOrDefault(WireFormat.getTagFieldNumber(tag), List.of());
      int wire = WireFormat.getTagWireType(tag);
      switch (wire) {
        case WireFormat.WIRETYPE_VARINT -> {
          long value = in.readRawVarint64();
          wanted.forEach(
              field -> put(row, field, varint(field.getValue().path("type").asText(), value)));
        }
        case WireFormat.WIRETYPE_FIXED64 -> {
          long value = in.readRawLittleEndian64();
          wanted.forEach(
              field -> put(row, field, fixed64(field.getValue().path("type").asText(), value)));
        }
        case WireFormat.WIRETYPE_FIXED32 -> {
          int value = in.readRawLittleEndian32();
          wanted.forEach(
              field -> put(row, field, fixed32(field.getValue().path("type").asText(), value)));
        }
        case WireFormat.WIRETYPE_LENGTH_DELIMITED -> {
          byte[] value = in.readByteArray();
          wanted.forEach(
              field -> put(row, field, delimited(field.getValue().path("type").asText(), value)));
        }
        default -> {
          if (!in.skipField(tag)) {
            throw new ContentException("a group ends that did not begin");
          }
        }
      }
    }
    return JsonTable.load(connection, new Shape.Members(shape), row);
  }

  /** The last one wins; one of another wire type is passed over. */
  private static void put(
      ObjectNode row, Map.Entry<String, JsonNode> field, @Nullable JsonNode value) {
    if (value != null) {
      row.set(field.getKey(), value);
    }
  }

  private static Shape shapeOf(String type) {
    return switch (type) {
      case "string", "bytes" -> Shape.Plain.VARCHAR;
      case "double", "float" -> Shape.Plain.DOUBLE;
      case "bool" -> Shape.Plain.BOOLEAN;
      case "uint64", "fixed64" -> Shape.Plain.UBIGINT;
      default -> Shape.Plain.BIGINT;
    };
  }

  private static @Nullable JsonNode varint(String type, long value) {
    return switch (type) {
      case "int64" -> NODES.numberNode(value);
      case "int32", "enum" -> NODES.numberNode((long) (int) value);
      case "uint64" -> unsigned(value);
      case "uint32" -> NODES.numberNode(value & 0xFFFF_FFFFL);
      case "sint64" -> NODES.numberNode(CodedInputStream.decodeZigZag64(value));
      case "sint32" -> NODES.numberNode((long) CodedInputStream.decodeZigZag32((int) value));
      case "bool" -> NODES.booleanNode(value != 0);
      default -> null;
    };
  }

  private static @Nullable JsonNode fixed64(String type, long value) {
    return switch (type) {
      case "double" -> number(Double.longBitsToDouble(value));
      case "fixed64" -> unsigned(value);
      case "sfixed64" -> NODES.numberNode(value);
      default -> null;
    };
  }

  private static @Nullable JsonNode fixed32(String type, int value) {
    return switch (type) {
      case "float" -> number(Float.intBitsToFloat(value));
      case "fixed32" -> NODES.numberNode(Integer.toUnsignedLong(value));
      case "sfixed32" -> NODES.numberNode((long) value);
      default -> null;
    };
  }

  private static @Nullable JsonNode delimited(String type, byte[] value) {
    return switch (type) {
      case "string" -> {
        ByteString text = ByteString.copyFrom(value);
        yield text.isValidUtf8() ? NODES.textNode(text.toStringUtf8()) : null;
      }
      case "bytes" -> bytes(ByteString.copyFrom(value));
      default -> null;
    };
  }
}
