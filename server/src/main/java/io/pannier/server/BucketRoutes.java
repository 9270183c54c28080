package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.query.Json;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.EntryInfo;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Buckets, and what is done to entries as a whole (http-api.md §8, §11). */
final class BucketRoutes {
  /** Asks for the id of the store, by which a task finds out that it copies into its own. */
  private static final String STORE = "x-pannier-store";

  /** Answered with the id: what this server can do beyond the reference. */
  private static final String CAPABILITIES = "x-pannier-capabilities";

  private final Context context;

  BucketRoutes(Context context) {
    this.context = context;
  }

  void create(Call call) {
    call.receiveText(body -> {
      Names.checkBucket(call.bucket());
      BucketSettings settings = settings(body, context.store().defaults());
      context.tokens().createBucket(() -> context.store().createBucket(call.bucket(), settings));
      call.respond(Response.of(200));
    });
  }

  void get(Call call) {
    Bucket bucket = context.bucket(call);
    call.block(ex -> {
      Response answer = JsonText.object(json -> write(json, bucket));
      if (ex.header(STORE) != null) {
        answer.header(STORE, context.store().id().toString());
        answer.header(CAPABILITIES, String.join(", ", ServerRoutes.CAPABILITIES));
      }
      call.respond(answer);
    });
  }

  private static void write(JsonGenerator json, Bucket bucket) throws IOException {
    json.writeObjectFieldStart("info");
    ServerRoutes.writeInfo(json, bucket.info());
    json.writeEndObject();
    json.writeObjectFieldStart("settings");
    ServerRoutes.writeSettings(json, bucket.settings());
    json.writeEndObject();
    json.writeArrayFieldStart("entries");
    for (EntryInfo entry : bucket.entryInfos()) {
      json.writeStartObject();
      json.writeStringField("name", entry.name());
      JsonText.unsigned(json, "size", entry.size());
      json.writeNumberField("record_count", entry.recordCount());
      json.writeNumberField("block_count", entry.blockCount());
      JsonText.unsigned(json, "oldest_record", entry.oldestRecord());
      JsonText.unsigned(json, "latest_record", entry.latestRecord());
      json.writeStringField("status", "READY");
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  void head(Call call) {
    context.bucket(call);
    call.respond(Response.of(200));
  }

  void change(Call call) {
    call.receiveText(body -> {
      // Malformed settings are told before a missing bucket.
      settings(body, BucketSettings.DEFAULT);
      Bucket bucket = context.bucket(call);
      refuseProvisioned(bucket, "Can't change settings of provisioned bucket '");
      bucket.changeSettings(settings(body, bucket.settings()));
      call.respond(Response.of(200));
    });
  }

  void rename(Call call) {
    call.receiveText(body -> {
      String newName = Json.requiredText(Json.object(body), "new_name");
      refuseProvisioned(context.bucket(call), "Can't rename provisioned bucket '");
      context
          .tokens()
          .renameBucket(
              call.bucket(), newName, () -> context.store().renameBucket(call.bucket(), newName));
      call.respond(Response.of(200));
    });
  }

  void remove(Call call) {
    Bucket bucket = context.bucket(call);
    call.block(ex -> {
      refuseProvisioned(bucket, "Can't remove provisioned bucket '");
      context
          .tokens()
          .removeBucket(call.bucket(), () -> context.store().removeBucket(call.bucket()));
      call.respond(Response.of(200));
    });
  }

  void renameEntry(Call call) {
    call.receiveText(body -> {
      String newName = Json.requiredText(Json.object(body), "new_name");
      Bucket bucket = context.bucket(call);
      Attachments.checkRename(call.entry(), newName);
      bucket.renameEntry(call.entry(), newName);
      call.respond(Response.of(200));
    });
  }

  private static void refuseProvisioned(Bucket bucket, String text) {
    if (bucket.info().isProvisioned()) {
      throw new PannierException.Conflict(text + bucket.name() + "'");
    }
  }

  private BucketSettings settings(byte[] body, BucketSettings base) {
    BucketSettings wanted = settingsOf(body, base);
    if (wanted.ack() == Ack.REMOTE && base.ack() != Ack.REMOTE && !context.store().isRemote()) {
      throw new PannierException.Invalid(
          "'ack' cannot be 'remote': this server has no object store");
    }
    return wanted;
  }

  /** Settings of a request; what it leaves out comes from {@code base}. */
  static BucketSettings settingsOf(byte[] body, BucketSettings base) {
    if (body.length == 0) {
      return base;
    }
    ObjectNode object = Json.object(body);
    return new BucketSettings(
        Json.text(object, "quota_type").map(BucketRoutes::quotaType).orElse(base.quotaType()),
        Json.unsigned(object, "quota_size").orElse(base.quotaSize()),
        Json.unsigned(object, "max_block_size").orElse(base.maxBlockSize()),
        Json.unsigned(object, "max_block_records").orElse(base.maxBlockRecords()),
        ack(object, base.ack()));
  }

  private static QuotaType quotaType(String text) {
    return switch (text) {
      case "NONE" -> QuotaType.NONE;
      case "FIFO" -> QuotaType.FIFO;
      case "HARD" -> QuotaType.HARD;
      default ->
          throw Json.invalid(
              "unknown variant `" + text + "`, expected one of `NONE`, `FIFO`, `HARD`");
    };
  }

  private static @Nullable Ack ack(ObjectNode object, @Nullable Ack base) {
    String text = Json.text(object, "ack").orElse("");
    return switch (text) {
      case "" -> base;
      case "buffered" -> Ack.BUFFERED;
      case "disk" -> Ack.DISK;
      case "remote" -> Ack.REMOTE;
      default ->
          throw Json.invalid(
              "unknown variant `" + text + "`, expected one of `buffered`, `disk`, `remote`");
    };
  }
}
