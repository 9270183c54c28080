package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.extract.table.DataFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A statement over the content of one record.
 *
 * @param headers whether the first line of a CSV text holds names
 * @param protobuf how a message is read; absent for other formats
 * @param output CSV, JSON or Parquet
 * @param labels columns of the result whose values are wanted beside it
 * @param eachRow whether it is to be told where each row ends, and the labels of each; otherwise
 *     those of the last row
 */
public record SqlRequest(
    DataFormat input,
    boolean headers,
    Optional<Message> protobuf,
    String statement,
    DataFormat output,
    List<String> labels,
    boolean eachRow) {
  public SqlRequest {
    labels = List.copyOf(labels);
  }

  /** How a message of Protocol Buffers is read. */
  public sealed interface Message {
    /** By a {@code FileDescriptorSet} in base64 and the full name of the type. */
    record Described(String schema, String name) implements Message {}

    /** By column → number and type of a field. */
    record Listed(Map<String, Field> fields) implements Message {}

    /** A field of a message. */
    record Field(int id, String type) {}
  }

  /** As it goes to the engine. */
  ObjectNode head() {
    ObjectNode head = Frames.MAPPER.createObjectNode();
    head.put("input", input.name());
    head.put("headers", headers);
    head.put("sql", statement);
    head.put("output", output.name());
    head.put("each_row", eachRow);
    labels.forEach(head.putArray("labels")::add);
    protobuf.ifPresent(message -> {
      ObjectNode source = head.putObject("protobuf");
      switch (message) {
        case Message.Described(String schema, String name) ->
            source.put("schema", schema).put("message_name", name);
        case Message.Listed(Map<String, Message.Field> fields) -> {
          ObjectNode listed = source.putObject("fields");
          fields.forEach((column, field) ->
              listed.putObject(column).put("id", field.id()).put("type", field.type()));
        }
      }
    });
    return head;
  }
}
