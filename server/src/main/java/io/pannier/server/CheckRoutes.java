package io.pannier.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.LiveCheck;
import io.pannier.store.Scrub;
import io.pannier.store.Verification;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Checks of what is stored: at once and whole, or in the background. */
final class CheckRoutes {
  private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Context context;
  private final AtomicBoolean verifying = new AtomicBoolean();

  CheckRoutes(Context context) {
    this.context = context;
  }

  /**
   * Checks everything and tells of it as lines of JSON: progress, then each finding, then the sums.
   * A caller who hangs up ends it.
   */
  void verify(Call call) {
    call.block(ex -> {
      if (!verifying.compareAndSet(false, true)) {
        throw new PannierException.Unavailable("The store is being verified already", 30);
      }
      try (ResponseStream out =
          call.exchange()
              .startResponse(
                  call.head(Response.of(200).header("content-type", "application/x-ndjson")))) {
        boolean whole = false;
        try {
          verify(call, out);
          whole = true;
        } catch (PannierException notAllowed) {
          whole = false;
        } finally {
          if (!whole) {
            out.abort();
          }
        }
      } finally {
        verifying.set(false);
      }
    });
  }

  private void verify(Call call, ResponseStream out) {
    Clock clock = context.config.clock();
    var last = new long[] {clock.monotonicNanos() - PROGRESS_NANOS};
    Verification found =
        LiveCheck.run(
            context.store(),
            (path, done, planned) -> {
              long now = clock.monotonicNanos();
              if (now - last[0] >= PROGRESS_NANOS) {
                last[0] = now;
                call.confirm();
                line(
                    out,
                    json -> {
                      json.writeStringField("at", path);
                      json.writeNumberField("done", done);
                      json.writeNumberField("planned", planned);
                    });
                out.flush();
              }
            });
    for (Verification.Finding finding : found.findings()) {
      line(out, json -> write(json, finding));
    }
    line(
        out,
        json -> {
          json.writeBooleanField("clean", found.isClean());
          json.writeNumberField("buckets", found.buckets());
          json.writeNumberField("entries", found.entries());
          json.writeNumberField("blocks", found.blocks());
          json.writeNumberField("records", found.records());
          json.writeNumberField("bytes", found.bytes());
          for (Verification.Kind kind : Verification.Kind.values()) {
            json.writeNumberField(kind.toString(), found.count(kind));
          }
        });
  }

  private static void line(ResponseStream out, JsonText.Content fields) {
    out.write(ByteBuffer.wrap(JsonText.line(fields)));
  }

  private static void write(JsonGenerator json, Verification.Finding finding) throws IOException {
    json.writeStringField("finding", finding.kind().toString());
    json.writeStringField("path", finding.path());
    json.writeStringField("text", finding.text());
  }

  /** How far the scrub has come, and what it found. */
  void scrub(Call call) {
    call.block(ex -> call.respond(report()));
  }

  /** Begins a pass of the scrub, unless one goes on. */
  void startScrub(Call call) {
    call.block(ex -> {
      context.scrubber().run();
      call.respond(report());
    });
  }

  private Response report() {
    Scrubber scrubber = context.scrubber();
    Scrub.Report report = scrubber.report();
    return JsonText.object(json -> {
      json.writeNumberField("rate", scrubber.options().bytesPerSecond());
      json.writeNumberField("interval", scrubber.options().interval().toSeconds());
      json.writeNumberField(
          "paused", TimeUnit.NANOSECONDS.toMillis(scrubber.pausedNanos()) / 1000.0);
      write(json, "current", report.stats().current().orElse(null), report.current());
      write(json, "last", report.stats().last().orElse(null), report.last());
    });
  }

  private static void write(
      JsonGenerator json,
      String name,
      Scrub.@org.jspecify.annotations.Nullable Pass pass,
      List<Verification.Finding> findings)
      throws IOException {
    if (pass == null) {
      json.writeNullField(name);
      return;
    }
    json.writeObjectFieldStart(name);
    json.writeNumberField("pass", pass.number());
    JsonText.unsigned(json, "started", pass.started());
    if (pass.finished() != 0) {
      JsonText.unsigned(json, "finished", pass.finished());
    }
    json.writeNumberField("blocks", pass.blocks());
    json.writeNumberField("bytes", pass.bytes());
    json.writeNumberField("damaged", pass.damaged());
    json.writeArrayFieldStart("findings");
    for (Verification.Finding finding : findings) {
      json.writeStartObject();
      write(json, finding);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }
}
