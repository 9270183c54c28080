package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.client.RemoteServer;
import io.pannier.model.Timestamp;
import io.pannier.replicate.Diagnostics;
import io.pannier.replicate.Forecast;
import io.pannier.replicate.Progress;
import io.pannier.replicate.ReplicationDetail;
import java.io.IOException;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The diagnostics of a task: {@code hourly} as the reference has it, everything else is ours
 * ({@code docs/replication.md}).
 */
final class ReplicationJson {
  private ReplicationJson() {}

  static void write(JsonGenerator json, ReplicationDetail detail) throws IOException {
    hourly(json, detail.diagnostics());
    Diagnostics.Totals totals = detail.diagnostics().totals();
    json.writeNumberField("lost_records", totals.lostRecords());
    json.writeNumberField("lost_bytes", totals.lostBytes());
    json.writeNumberField("refused_records", totals.refusedRecords());
    json.writeNumberField("refused_bytes", totals.refusedBytes());
    json.writeNumberField("sent_records", totals.sentRecords());
    json.writeNumberField("sent_bytes", totals.sentBytes());
    json.writeNumberField("sent_changes", totals.sentChanges());
    json.writeNumberField("resumed_bytes", totals.resumedBytes());
    pending(json, detail.progress());
    forecast(json, detail.progress().forecast());
    lastError(json, detail);
    destination(json, detail);
  }

  private static void hourly(JsonGenerator json, Diagnostics.Report report) throws IOException {
    json.writeObjectFieldStart("hourly");
    json.writeNumberField("ok", report.ok());
    json.writeNumberField("errored", report.errored());
    json.writeObjectFieldStart("errors");
    for (var error : report.errors().entrySet()) {
      json.writeObjectFieldStart(Integer.toString(error.getKey()));
      json.writeNumberField("count", error.getValue().count());
      json.writeStringField("last_message", error.getValue().lastMessage());
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void pending(JsonGenerator json, Progress progress) throws IOException {
    json.writeObjectFieldStart("pending");
    json.writeNumberField("records", progress.pendingRecords());
    json.writeNumberField("bytes", progress.pendingBytes());
    json.writeNumberField("changes", progress.pendingChanges());
    OptionalLong oldest = progress.oldestTimestamp();
    json.writeFieldName("oldest_timestamp");
    if (oldest.isPresent()) {
      json.writeNumber(Timestamp.toString(oldest.getAsLong()));
    } else {
      json.writeNull();
    }
    seconds(json, "oldest_age_seconds", progress.oldestAgeSeconds());
    json.writeEndObject();
  }

  private static void forecast(JsonGenerator json, Forecast forecast) throws IOException {
    json.writeObjectFieldStart("forecast");
    json.writeNumberField("records_in_per_second", rounded(forecast.recordsIn()));
    json.writeNumberField("bytes_in_per_second", rounded(forecast.bytesIn()));
    json.writeNumberField("records_out_per_second", rounded(forecast.recordsOut()));
    json.writeNumberField("bytes_out_per_second", rounded(forecast.bytesOut()));
    json.writeNumberField("ring_bytes_per_second", rounded(forecast.ringBytes()));
    seconds(json, "catch_up_seconds", forecast.catchUpSeconds());
    seconds(json, "eviction_seconds", forecast.evictionSeconds());
    seconds(json, "loss_seconds", forecast.lossSeconds());
    json.writeNumberField("loss_bytes", forecast.lossBytes());
    json.writeEndObject();
  }

  private static void lastError(JsonGenerator json, ReplicationDetail detail) throws IOException {
    var error = detail.diagnostics().lastError();
    if (error.isEmpty()) {
      json.writeNullField("last_error");
      return;
    }
    json.writeObjectFieldStart("last_error");
    json.writeNumberField("code", error.get().code());
    json.writeStringField("message", error.get().message());
    json.writeNumberField("timestamp", error.get().wallMicros());
    json.writeEndObject();
  }

  private static void destination(JsonGenerator json, ReplicationDetail detail) throws IOException {
    if (detail.destination().isEmpty()) {
      json.writeNullField("destination");
      return;
    }
    RemoteServer there = detail.destination().get();
    json.writeObjectFieldStart("destination");
    if (there.apiMinor() > 0) {
      json.writeStringField("api_version", "1." + there.apiMinor());
    } else {
      json.writeNullField("api_version");
    }
    json.writeBooleanField("is_pannier", there.storeId().isPresent());
    json.writeBooleanField("resumes_uploads", there.takesUploads());
    if (detail.sentPlain()) {
      json.writeStringField(
          "note", "bodies are sent uncompressed: it takes compressed ones from API 1.21 on");
    }
    json.writeEndObject();
  }

  private static void seconds(JsonGenerator json, String name, OptionalDouble value)
      throws IOException {
    if (value.isPresent()) {
      json.writeNumberField(name, rounded(value.getAsDouble()));
    } else {
      json.writeNullField(name);
    }
  }

  /** To three digits behind the point: more says nothing. */
  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
