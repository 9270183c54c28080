package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** What an engine says to a request. */
final class Reply {
  private final ObjectNode head;
  private final byte[] content;

  Reply(ObjectNode head, byte[] content) {
    this.head = head;
    this.content = content;
  }

  ObjectNode head() {
    return head;
  }

  byte[] content() {
    return content;
  }

  /** Who is to blame for an error. */
  enum Fault {
    /** The content of the record. */
    CONTENT,
    /** The statement, or it and this content together. */
    STATEMENT,
    /** The schema of messages. */
    SCHEMA,
    /** It would take more memory than it may. */
    MEMORY
  }

  static Reply error(Fault fault, String text) {
    ObjectNode head = Frames.MAPPER.createObjectNode();
    head.put("fault", fault.name());
    head.put("error", text);
    return new Reply(head, new byte[0]);
  }
}
