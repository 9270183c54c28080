package io.pannier.extract.ros;

import com.google.protobuf.ByteString;
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
import io.pannier.model.PannierException;
import io.pannier.robotics.msg.FieldType.Primitive;
import io.pannier.robotics.msg.MessageException;
import io.pannier.robotics.msg.MessageVisitor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Messages of Protocol Buffers: names as in the {@code .proto} file, bytes as base64, enumerators
 * by name, single fields that are not set with their default; messages, members of a choice and
 * optional fields that are not set are left out.
 */
final class ProtobufDecoder implements MessageDecoder {
  /** Messages take many times their length in memory. */
  private static final int BYTES_MAX = 64 << 20;

  private static final int FILES_MAX = 4_096;

  private final Descriptor type;

  ProtobufDecoder(Descriptor type) {
    this.type = type;
  }

  /** Reads a {@code FileDescriptorSet}. */
  static FileDescriptorSet files(String topic, ByteBuffer schema) {
    try {
      return FileDescriptorSet.parseFrom(ByteString.copyFrom(schema));
    } catch (InvalidProtocolBufferException e) {
      throw unusable(topic, "no FileDescriptorSet: " + e.getMessage());
    }
  }

  /** The type of a name among files. */
  static Descriptor find(String topic, FileDescriptorSet files, String name) {
    if (files.getFileCount() > FILES_MAX) {
      throw unusable(topic, files.getFileCount() + " files");
    }
    Map<String, FileDescriptorProto> byName = new HashMap<>();
    files.getFileList().forEach(file -> byName.put(file.getName(), file));
    Map<String, FileDescriptor> built = new HashMap<>();
    for (FileDescriptorProto file : files.getFileList()) {
      FileDescriptor descriptor = build(topic, file, byName, built, new HashSet<>());
      String packageName = descriptor.getPackage();
      String local =
          packageName.isEmpty()
              ? name
              : name.startsWith(packageName + ".") ? name.substring(packageName.length() + 1) : "";
      Descriptor found = local.isEmpty() ? null : nested(descriptor, local);
      if (found != null) {
        return found;
      }
    }
    throw unusable(topic, "no message '" + name + "' in it");
  }

  private static @Nullable Descriptor nested(FileDescriptor file, String path) {
    String[] names = path.split("\\.", -1);
    Descriptor found = file.findMessageTypeByName(names[0]);
    for (int i = 1; i < names.length && found != null; i++) {
      found = found.findNestedTypeByName(names[i]);
    }
    return found;
  }

  private static FileDescriptor build(
      String topic,
      FileDescriptorProto file,
      Map<String, FileDescriptorProto> byName,
      Map<String, FileDescriptor> built,
      Set<String> open) {
    FileDescriptor known = built.get(file.getName());
    if (known != null) {
      return known;
    }
    if (!open.add(file.getName()) || open.size() > 100) {
      throw unusable(topic, "its files import each other");
    }
    var imports = new java.util.ArrayList<FileDescriptor>();
    for (String name : file.getDependencyList()) {
      FileDescriptorProto imported = byName.get(name);
      if (imported == null) {
        throw unusable(topic, "imported file '" + name + "' is missing");
      }
      imports.add(build(topic, imported, byName, built, open));
    }
    open.remove(file.getName());
    try {
      FileDescriptor descriptor =
          FileDescriptor.buildFrom(file, imports.toArray(new FileDescriptor[0]));
      built.put(file.getName(), descriptor);
      return descriptor;
    } catch (DescriptorValidationException e) {
      throw unusable(topic, String.valueOf(e.getMessage()));
    }
  }

  private static PannierException.Invalid unusable(String topic, String why) {
    return new PannierException.Invalid(
        "Failed to read the Protobuf schema of topic '" + topic + "': " + why);
  }

  @Override
  public void read(ByteBuffer message, MessageVisitor visitor) throws MessageException {
    if (message.remaining() > BYTES_MAX) {
      throw new MessageException("a Protobuf message of " + message.remaining() + " bytes");
    }
    DynamicMessage parsed;
    try {
      parsed = DynamicMessage.parseFrom(type, ByteString.copyFrom(message).newCodedInput());
    } catch (IOException e) {
      throw new MessageException(String.valueOf(e.getMessage()), e);
    }
    message(parsed, visitor);
  }

  private static void message(Message message, MessageVisitor visitor) throws MessageException {
    Descriptor type = message.getDescriptorForType();
    visitor.beginMessage(type.getFullName());
    for (FieldDescriptor field : type.getFields()) {
      if (field.isRepeated()) {
        visitor.field(field.getName());
        if (field.isMapField()) {
          map(field, (List<?>) message.getField(field), visitor);
        } else {
          list(field, (List<?>) message.getField(field), visitor);
        }
      } else if (!field.hasPresence() || message.hasField(field)) {
        visitor.field(field.getName());
        value(field, message.getField(field), visitor);
      }
    }
    visitor.endMessage();
  }

  private static void list(FieldDescriptor field, List<?> values, MessageVisitor visitor)
      throws MessageException {
    visitor.beginArray(values.size());
    for (Object value : values) {
      value(field, value, visitor);
    }
    visitor.endArray();
  }

  /** A message with the keys as its fields. */
  private static void map(FieldDescriptor field, List<?> entries, MessageVisitor visitor)
      throws MessageException {
    Descriptor entryType = field.getMessageType();
    FieldDescriptor key = entryType.findFieldByNumber(1);
    FieldDescriptor value = entryType.findFieldByNumber(2);
    var last = new java.util.LinkedHashMap<String, Object>();
    for (Object entry : entries) {
      last.put(String.valueOf(((Message) entry).getField(key)), ((Message) entry).getField(value));
    }
    visitor.beginMessage(entryType.getFullName());
    for (var each : last.entrySet()) {
      visitor.field(each.getKey());
      value(value, each.getValue(), visitor);
    }
    visitor.endMessage();
  }

  private static void value(FieldDescriptor field, Object value, MessageVisitor visitor)
      throws MessageException {
    switch (value) {
      case Boolean flag -> visitor.bool(flag);
      case Integer number ->
          visitor.integer(
              isUnsigned(field) ? number & 0xffffffffL : number,
              isUnsigned(field) ? Primitive.UINT32 : Primitive.INT32);
      case Long number ->
          visitor.integer(number, isUnsigned(field) ? Primitive.UINT64 : Primitive.INT64);
      case Float number -> visitor.number(number.floatValue());
      case Double number -> visitor.number(number.doubleValue());
      case String text -> visitor.text(text);
      case ByteString bytes ->
          visitor.text(Base64.getEncoder().encodeToString(bytes.toByteArray()));
      case EnumValueDescriptor enumerator -> visitor.text(enumerator.getName());
      case Message nested -> message(nested, visitor);
      default -> throw new MessageException("field '" + field.getName() + "' is of no known type");
    }
  }

  private static boolean isUnsigned(FieldDescriptor field) {
    return switch (field.getType()) {
      case UINT32, UINT64, FIXED32, FIXED64 -> true;
      default -> false;
    };
  }
}
