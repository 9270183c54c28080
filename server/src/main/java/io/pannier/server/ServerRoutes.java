package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.BucketSettings;
import io.pannier.model.Timestamp;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.BucketInfo;
import io.pannier.store.remote.RemoteStatus;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/** The server itself (http-api.md §6). */
final class ServerRoutes {
  /** Version of the API; clients choose protocols by it. */
  static final String API_VERSION = "1.21";

  /** Version of the reference whose API this server speaks; clients parse it. */
  static final String REFERENCE_VERSION = "1.21.5";

  /** What it can do beyond the reference, for other servers: {@code uploads} in parts. */
  static final List<String> CAPABILITIES = List.of("uploads");

  private final Context context;

  ServerRoutes(Context context) {
    this.context = context;
  }

  void alive(Call call) {
    call.respond(Response.of(200));
  }

  void info(Call call) {
    call.block(ex -> call.respond(info()));
  }

  private Response info() {
    long usage = 0;
    long oldest = Timestamp.MAX;
    long latest = Timestamp.MIN;
    int count = 0;
    for (Bucket bucket : context.store().buckets()) {
      BucketInfo info = bucket.info();
      usage += info.size();
      oldest = Timestamp.min(oldest, info.oldestRecord());
      latest = Timestamp.max(latest, info.latestRecord());
      count++;
    }
    long sizes = usage;
    long first = oldest;
    long last = latest;
    int buckets = count;
    return JsonText.object(json -> {
      json.writeStringField("version", REFERENCE_VERSION);
      json.writeStringField("instance_name", context.config.instanceName());
      json.writeStringField(
          "instance_role", context.store().isFollowing() ? "REPLICA" : "STANDALONE");
      json.writeNumberField("bucket_count", buckets);
      JsonText.unsigned(json, "usage", sizes);
      json.writeNumberField(
          "uptime",
          (context.config.clock().monotonicNanos() - context.startedNanos) / 1_000_000_000);
      JsonText.unsigned(json, "oldest_record", first);
      JsonText.unsigned(json, "latest_record", last);
      json.writeObjectFieldStart("defaults");
      json.writeObjectFieldStart("bucket");
      writeSettings(json, context.store().defaults());
      json.writeEndObject();
      json.writeEndObject();
      json.writeNullField("license");
      json.writeStringField("server_name", "Pannier");
      json.writeStringField("server_version", context.config.version());
      json.writeArrayFieldStart("capabilities");
      for (String capability : CAPABILITIES) {
        json.writeString(capability);
      }
      json.writeEndArray();
      Optional<Following> following = context.following();
      if (following.isPresent()) {
        json.writeObjectFieldStart("replica");
        writeFollowing(json, following.get());
        json.writeEndObject();
      }
      var remote = context.store().remoteStatus();
      if (remote.isPresent()) {
        json.writeObjectFieldStart("remote");
        writeRemote(json, remote.get());
        json.writeEndObject();
      }
    });
  }

  /** How far behind a replica may be (docs/s3.md). */
  private static void writeFollowing(JsonGenerator json, Following following) throws IOException {
    json.writeStringField("source", following.source());
    json.writeNumberField("states", following.states());
    json.writeNumberField("age_us", following.ageMicros());
    json.writeNumberField("failures", following.failures());
    if (following.lastFailure().isEmpty()) {
      json.writeNullField("last_failure");
    } else {
      json.writeStringField("last_failure", following.lastFailure());
    }
    json.writeNumberField("epoch", following.epoch());
    json.writeNumberField("generation", following.generation());
    json.writeNumberField("cached_bytes", following.cachedBytes());
    json.writeNumberField("received_bytes", following.receivedBytes());
    json.writeObjectFieldStart("requests");
    for (var kind : new TreeMap<>(following.requests()).entrySet()) {
      json.writeNumberField(kind.getKey(), kind.getValue());
    }
    json.writeEndObject();
  }

  /** How much is only here, and what lies in the object store (docs/s3.md). */
  private static void writeRemote(JsonGenerator json, RemoteStatus status) throws IOException {
    json.writeNumberField("unsent_bytes", status.unsentBytes());
    json.writeNumberField("unsent_age_us", status.oldestUnsentMicros());
    json.writeNumberField("cached_bytes", status.cachedBytes());
    json.writeNumberField("stored_bytes", status.storedBytes());
    json.writeNumberField("dead_bytes", status.deadBytes());
    json.writeNumberField("sent_bytes", status.sentBytes());
    json.writeNumberField("received_bytes", status.receivedBytes());
    json.writeNumberField("segments", status.segments());
    json.writeNumberField("epoch", status.epoch());
    json.writeNumberField("generation", status.generation());
    json.writeBooleanField("taken_over", status.fenced());
    if (status.lastFailure().isEmpty()) {
      json.writeNullField("last_failure");
    } else {
      json.writeStringField("last_failure", status.lastFailure());
    }
    json.writeObjectFieldStart("requests");
    for (RemoteStatus.Request kind : RemoteStatus.Request.values()) {
      json.writeNumberField(
          kind.name().toLowerCase(Locale.ROOT), status.requests().getOrDefault(kind, 0L));
    }
    json.writeEndObject();
  }

  void list(Call call) {
    call.block(ex ->
        call.respond(
            JsonText.object(json -> {
              json.writeArrayFieldStart("buckets");
              for (Bucket bucket : context.store().buckets()) {
                if (call.token().mayRead(bucket.name())) {
                  json.writeStartObject();
                  writeInfo(json, bucket.info());
                  json.writeEndObject();
                }
              }
              json.writeEndArray();
            })));
  }

  void me(Call call) {
    call.respond(JsonText.object(json -> TokenRoutes.write(json, call.token().info())));
  }

  static void writeInfo(JsonGenerator json, BucketInfo info) throws IOException {
    json.writeStringField("name", info.name());
    json.writeNumberField("entry_count", info.entryCount());
    JsonText.unsigned(json, "size", info.size());
    JsonText.unsigned(json, "oldest_record", info.oldestRecord());
    JsonText.unsigned(json, "latest_record", info.latestRecord());
    json.writeBooleanField("is_provisioned", info.isProvisioned());
    json.writeStringField("status", "READY");
  }

  /** Settings as clients know them, and ours where it was set. */
  static void writeSettings(JsonGenerator json, BucketSettings settings) throws IOException {
    json.writeStringField("quota_type", settings.quotaType().name());
    JsonText.unsigned(json, "quota_size", settings.quotaSize());
    JsonText.unsigned(json, "max_block_size", settings.maxBlockSize());
    JsonText.unsigned(json, "max_block_records", settings.maxBlockRecords());
    var ack = settings.ack();
    if (ack != null) {
      json.writeStringField("ack", ack.name().toLowerCase(Locale.ROOT));
    }
  }
}
