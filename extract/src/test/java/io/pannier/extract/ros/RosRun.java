package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Runs the extension as a query does, without one. */
final class RosRun {
  static final JsonMapper JSON = new JsonMapper();

  private final RosExtension extension;
  private final ObjectNode parameters;
  private boolean conditional;
  private Work work = Work.unbounded();

  private RosRun(RosExtension extension, ObjectNode parameters) {
    this.extension = extension;
    this.parameters = parameters;
  }

  /** With single quotes for double ones. */
  static RosRun of(String parameters) {
    return of(new RosExtension(), parameters);
  }

  static RosRun of(RosExtension extension, String parameters) {
    return new RosRun(extension, (ObjectNode) json(parameters));
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (IOException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  /** Adds an attachment of an entry. */
  RosRun attached(String entry, String key, String content) {
    parameters.withObjectProperty("attachments").withObjectProperty(entry).set(key, json(content));
    return this;
  }

  /** Adds a schema that is a text of lines. */
  RosRun schema(String entry, String encoding, String topic, String name, String text) {
    ObjectNode attachment = JSON.createObjectNode();
    attachment.put("encoding", encoding).put("topic", topic);
    attachment.put("schema_name", name).put("schema", text);
    parameters
        .withObjectProperty("attachments")
        .withObjectProperty(entry)
        .set("$schema", attachment);
    return this;
  }

  /** As if a condition stood beside the extension. */
  RosRun conditional() {
    conditional = true;
    return this;
  }

  RosRun within(Work bounds) {
    work = bounds;
    return this;
  }

  Step open() {
    return extension.open(
        new Opening(
            "bucket",
            "entry",
            parameters,
            JSON.createObjectNode(),
            conditional ? Screen.NONE : Screen.OPEN,
            work,
            LoggerFactory.getLogger("test")));
  }

  /** What becomes of records. */
  List<Item> on(Item... inputs) {
    var out = new ArrayList<Item>();
    try (Step step = open()) {
      for (Item input : inputs) {
        Items made = step.process(input);
        for (Item item = made.next(); item != null; item = made.next()) {
          drain(step.commit(item), out);
        }
        made.close();
        drain(step.finish(input), out);
      }
      drain(step.flush(), out);
    }
    return out;
  }

  private static void drain(Items items, List<Item> out) {
    for (Item item = items.next(); item != null; item = items.next()) {
      out.add(item);
    }
    items.close();
  }

  static Item record(String entry, long micros, String contentType, byte[] body) {
    return Item.of(
        entry, micros, Labels.of("site", "north"), Labels.EMPTY, contentType, Body.of(body));
  }

  static String text(Item item) {
    return new String(item.body().bytes(1 << 24), StandardCharsets.UTF_8);
  }

  static JsonNode content(Item item) {
    try {
      return JSON.readTree(item.body().bytes(1 << 28));
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** A body that counts what is read of it. */
  static final class CountedBody implements Body {
    final AtomicLong bytes = new AtomicLong();
    final AtomicInteger reads = new AtomicInteger();
    private final Body whole;

    CountedBody(byte[] content) {
      whole = Body.of(content);
    }

    @Override
    public long length() {
      return whole.length();
    }

    @Override
    public int read(long position, ByteBuffer target) {
      int count = whole.read(position, target);
      bytes.addAndGet(count);
      reads.incrementAndGet();
      return count;
    }
  }

  /** A stored record whose bytes have a name. */
  record Stored(String entry, long timestamp, Body body, @Nullable Object identity)
      implements Item {
    @Override
    public String contentType() {
      return "application/mcap";
    }
  }
}
