package io.pannier.extract.ros;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.extract.ros.RosParameters.Operation;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * The extension in one query: looks what each record is and gives it to what the operation does
 * with such records.
 */
final class RosStep implements Step {
  /** What a record is. */
  private enum Kind {
    MCAP,
    ROSBAG,
    RAW,
    OTHER
  }

  private static final int SKIPPED_ENTRIES_MAX = 1_000;

  private final Operation operation;
  private final SchemaAttachments attachments;
  private final McapFiles files;
  private final Decoders decoders = new Decoders();
  private final Work work;
  private final boolean conditional;
  private final Logger log;
  private final Set<String> skipped = new HashSet<>();
  private @Nullable McapTransform transform;
  private @Nullable RawExport export;

  RosStep(Opening opening, McapFiles files) {
    JsonNode parameters = opening.parameters();
    operation = RosParameters.read(parameters);
    attachments = new SchemaAttachments(parameters.path("attachments"));
    work = opening.work();
    conditional = opening.conditional();
    log = opening.log();
    this.files = files;
    switch (operation) {
      case Operation.Transform wanted -> transform = new McapTransform(wanted, files, work);
      case Operation.Export wanted -> export = new RawExport(wanted, attachments, work);
      case Operation.Extract _, Operation.Summary _ -> {
        // Nothing is kept from one record to the next.
      }
    }
  }

  private Kind kind(Item input) {
    return switch (mediaType(input)) {
      case "application/mcap" -> Kind.MCAP;
      case "application/rosbag", "application/x-rosbag" -> Kind.ROSBAG;
      default -> attachments.of(input.entry()).isPresent() ? Kind.RAW : Kind.OTHER;
    };
  }

  private static String mediaType(Item input) {
    String type = input.contentType();
    int parameters = type.indexOf(';');
    return (parameters < 0 ? type : type.substring(0, parameters)).strip().toLowerCase(Locale.ROOT);
  }

  @Override
  public Items process(Item input) {
    Kind kind = kind(input);
    if (kind == Kind.ROSBAG) {
      throw new PannierException.Invalid("Rosbag archives are not supported: convert them to MCAP");
    }
    if (kind == Kind.OTHER) {
      if (skipped.size() < SKIPPED_ENTRIES_MAX && skipped.add(input.entry())) {
        log.info(
            "records of type '{}' in entry '{}' without a schema attachment are left out",
            input.contentType(),
            input.entry());
      }
      return Items.none();
    }
    return switch (operation) {
      case Operation.Extract wanted ->
          kind == Kind.MCAP
              ? new McapExtract(input, wanted, files, decoders, work, conditional)
              : raw(input, wanted);
      case Operation.Summary _ -> {
        require(kind == Kind.MCAP, "summary", input);
        yield summary(input);
      }
      case Operation.Transform _ -> {
        require(kind == Kind.MCAP, "transform", input);
        yield Items.of(input);
      }
      case Operation.Export _ -> {
        require(kind == Kind.RAW, "export", input);
        yield Items.of(input);
      }
    };
  }

  private static void require(boolean may, String operation, Item input) {
    if (!may) {
      throw new PannierException.Invalid(
          "'" + operation + "' is not possible for '" + input.contentType() + "'");
    }
  }

  private Items raw(Item input, Operation.Extract wanted) {
    EntrySchema schema = attachments.of(input.entry()).orElseThrow();
    if (!wanted.topic().orElse(schema.topic()).equals(schema.topic())) {
      return Items.none();
    }
    return new OneItem(() -> rawMessage(input, wanted, schema));
  }

  private Item rawMessage(Item input, Operation.Extract wanted, EntrySchema schema) {
    // Types need a name to be looked up by, attachments need not give one.
    String name = schema.schemaName().isEmpty() ? "message" : schema.schemaName();
    MessageDecoder decoder =
        decoders.of(
            schema.topic(), schema.schemaEncoding(), schema.encoding(), name, schema.schema());
    long length = input.body().length();
    work.reserve(length);
    try {
      ByteBuffer data = ByteBuffer.wrap(input.body().bytes((int) Math.min(length, 1 << 30)));
      return MessageItem.of(
          new MessageItem.Origin(input, schema.topic(), input.timestamp()),
          new MessageItem.Content(data, decoder, wanted, work),
          Labels.of(
              "topic", schema.topic(), "schema", schema.shownName(), "encoding", schema.encoding()),
          conditional);
    } finally {
      work.release(length);
    }
  }

  private Items summary(Item input) {
    return new OneItem(() -> {
      try {
        McapReader reader = files.open(input, work);
        return input.withBody("application/json", McapSummaryJson.of(reader, work));
      } catch (IOException e) {
        throw McapFiles.failed(e);
      }
    });
  }

  @Override
  public Items commit(Item kept) {
    if (transform != null) {
      return transform.take(kept);
    }
    if (export != null) {
      Optional<EntrySchema> schema = attachments.of(kept.entry());
      return schema.isPresent() ? export.take(kept, schema.get()) : Items.none();
    }
    // Made here, where errors are told with the record.
    kept.body();
    return Items.of(kept);
  }

  @Override
  public Items flush() {
    if (transform != null) {
      return transform.flush();
    }
    return export != null ? export.flush() : Items.none();
  }

  @Override
  public void discard(Item input) {
    if (transform != null) {
      transform.discard(input);
    }
    if (export != null) {
      export.discard();
    }
  }

  @Override
  public void close() {
    if (transform != null) {
      transform.close();
    }
    if (export != null) {
      export.close();
    }
  }

  /** An item that is made when it is asked for. */
  private static final class OneItem implements Items {
    private final java.util.function.Supplier<Item> maker;
    private boolean given;

    OneItem(java.util.function.Supplier<Item> maker) {
      this.maker = maker;
    }

    @Override
    public @Nullable Item next() {
      if (given) {
        return null;
      }
      given = true;
      return maker.get();
    }
  }
}
