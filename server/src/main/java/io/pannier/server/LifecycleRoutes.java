package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.query.Json;
import io.pannier.server.http.Response;
import io.pannier.server.lifecycle.LifecycleInfo;
import io.pannier.server.lifecycle.LifecycleJson;
import io.pannier.server.lifecycle.LifecycleSettings;
import java.io.IOException;

/** Policies that remove or compress old records (http-api.md §18). */
final class LifecycleRoutes {
  private final Context context;

  LifecycleRoutes(Context context) {
    this.context = context;
  }

  void list(Call call) {
    call.block(ex ->
        call.respond(
            JsonText.object(json -> {
              json.writeArrayFieldStart("lifecycles");
              for (LifecycleInfo info : context.lifecycles().list()) {
                writeInfo(json, info);
              }
              json.writeEndArray();
            })));
  }

  void get(Call call) {
    call.block(ex -> {
      LifecycleInfo info = context.lifecycles().get(call.bucket());
      call.respond(
          JsonText.object(json -> {
            json.writeFieldName("info");
            writeInfo(json, info);
            json.writeObjectFieldStart("settings");
            LifecycleJson.write(json, info.settings());
            json.writeEndObject();
          }));
    });
  }

  void create(Call call) {
    call.receiveText(body -> {
      LifecycleSettings settings = LifecycleJson.settings(Json.object(body));
      context.lifecycles().create(call.bucket(), settings);
      call.respond(Response.of(200));
    });
  }

  void update(Call call) {
    call.receiveText(body -> {
      LifecycleSettings settings = LifecycleJson.settings(Json.object(body));
      context.lifecycles().update(call.bucket(), settings);
      call.respond(Response.of(200));
    });
  }

  void changeMode(Call call) {
    call.receiveText(body -> {
      String mode = Json.requiredText(Json.object(body), "mode");
      context.lifecycles().changeMode(call.bucket(), LifecycleJson.mode(mode));
      call.respond(Response.of(200));
    });
  }

  void remove(Call call) {
    call.block(ex -> {
      context.lifecycles().remove(call.bucket());
      call.respond(Response.of(200));
    });
  }

  /** The members that clients know, and why nothing is done where something stands in the way. */
  private static void writeInfo(JsonGenerator json, LifecycleInfo info) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", info.name());
    json.writeBooleanField("is_provisioned", info.isProvisioned());
    json.writeBooleanField("is_running", info.isRunning());
    json.writeStringField("type", LifecycleJson.text(info.settings().type()));
    json.writeStringField("mode", LifecycleJson.text(info.settings().mode()));
    if (info.lastRun().isPresent()) {
      json.writeStringField("last_run", info.lastRun().get().toString());
    } else {
      json.writeNullField("last_run");
    }
    if (info.obstacle().isPresent()) {
      json.writeStringField("obstacle", info.obstacle().get());
    }
    json.writeEndObject();
  }
}
