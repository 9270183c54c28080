package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.query.Json;
import io.pannier.replicate.ReplicationDetail;
import io.pannier.replicate.ReplicationInfo;
import io.pannier.replicate.ReplicationMode;
import io.pannier.replicate.ReplicationSettings;
import io.pannier.replicate.SettingsJson;
import io.pannier.server.http.Response;
import java.io.IOException;

/** Replications (http-api.md §17). All of it looks into files or waits for the device. */
final class ReplicationRoutes {
  private final Context context;

  ReplicationRoutes(Context context) {
    this.context = context;
  }

  void list(Call call) {
    call.block(ex ->
        call.respond(
            JsonText.object(json -> {
              json.writeArrayFieldStart("replications");
              for (ReplicationInfo info : context.replications().list()) {
                json.writeStartObject();
                write(json, info);
                json.writeEndObject();
              }
              json.writeEndArray();
            })));
  }

  void get(Call call) {
    call.block(ex -> {
      ReplicationDetail detail = context.replications().get(call.replication());
      call.respond(
          JsonText.object(json -> {
            json.writeObjectFieldStart("info");
            write(json, detail.info());
            json.writeEndObject();
            json.writeFieldName("settings");
            json.writeRawValue(SettingsJson.write(detail.settings()).toString());
            json.writeObjectFieldStart("diagnostics");
            ReplicationJson.write(json, detail);
            json.writeEndObject();
          }));
    });
  }

  void create(Call call) {
    call.receiveText(body -> {
      context.replications().create(call.replication(), settings(body));
      call.respond(Response.of(200));
    });
  }

  void change(Call call) {
    call.receiveText(body -> {
      context.replications().update(call.replication(), settings(body));
      call.respond(Response.of(200));
    });
  }

  void mode(Call call) {
    call.receiveText(body -> {
      ReplicationMode mode = SettingsJson.mode(Json.requiredText(Json.object(body), "mode"));
      context.replications().mode(call.replication(), mode);
      call.respond(Response.of(200));
    });
  }

  void remove(Call call) {
    call.block(ex -> {
      context.replications().remove(call.replication());
      call.respond(Response.of(200));
    });
  }

  private static ReplicationSettings settings(byte[] body) {
    return SettingsJson.read(Json.object(body));
  }

  private static void write(JsonGenerator json, ReplicationInfo info) throws IOException {
    json.writeStringField("name", info.name());
    json.writeStringField("mode", info.mode().text());
    json.writeBooleanField("is_active", info.active());
    json.writeBooleanField("is_provisioned", info.provisioned());
    json.writeNumberField("pending_records", info.pendingRecords());
  }
}
