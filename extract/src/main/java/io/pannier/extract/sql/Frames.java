package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;

/**
 * What goes over the pipes between the server and an engine, both ways, numbers in network order:
 *
 * <pre>
 * int    length of the head in bytes
 * head   JSON object
 * int    length of the content
 * bytes  content
 * </pre>
 *
 * One reply for one request. Nothing of it is stored, so it has no version: both ends are one
 * build.
 */
final class Frames {
  static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** Longest head in bytes: a statement, a schema, or the labels of many rows. */
  private static final int HEAD_MAX = 64 << 20;

  private Frames() {}

  static void writeHead(DataOutputStream out, ObjectNode head, int contentLength)
      throws IOException {
    byte[] text = MAPPER.writeValueAsBytes(head);
    out.writeInt(text.length);
    out.write(text);
    out.writeInt(contentLength);
  }

  static ObjectNode readHead(DataInputStream in, int length) throws IOException {
    if (length < 2 || length > HEAD_MAX) {
      throw new IOException("a head of " + length + " bytes");
    }
    byte[] text = new byte[length];
    in.readFully(text);
    JsonNode head = MAPPER.readTree(text);
    if (!(head instanceof ObjectNode object)) {
      throw new IOException("a head that is no object");
    }
    return object;
  }

  static byte[] readContent(DataInputStream in, int max) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > max) {
      throw new IOException("content of " + length + " bytes");
    }
    byte[] content = in.readNBytes(length);
    if (content.length < length) {
      throw new EOFException();
    }
    return content;
  }
}
