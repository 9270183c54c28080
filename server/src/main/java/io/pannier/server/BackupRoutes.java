package io.pannier.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.query.Json;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.Backup;
import io.pannier.store.BackupSelection;
import io.pannier.store.BucketImport;
import io.pannier.store.Snapshot;
import io.pannier.store.TimeRange;
import io.pannier.store.Verification;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Backups made of this server, and buckets restored into it ({@code docs/backup.md}). */
final class BackupRoutes {
  /** The id of a backup. */
  private static final String ID = "x-pannier-backup";

  private static final int LINES_BYTES = 64 << 10;
  private static final int PIECE = 512 << 10;

  private final Context context;
  private final AtomicBoolean restoring = new AtomicBoolean();

  BackupRoutes(Context context) {
    this.context = context;
  }

  // ---------------------------------------------------------------- backups

  /** Begins a backup and tells what there is. */
  void begin(Call call) {
    call.receiveText(body -> {
      BackupSelection selection =
          selection(
              body.length == 0
                  ? Json.object("{}".getBytes(StandardCharsets.UTF_8))
                  : Json.object(body));
      SnapshotSessions.Session session = context.snapshots().begin(selection);
      boolean told = false;
      var out = new Listing(call, session.id);
      try {
        session.use(snapshot -> snapshot.list(out::line));
        out.end();
        told = true;
      } finally {
        if (!told) {
          out.abort();
          context.snapshots().end(session.id);
        }
      }
    });
  }

  private static BackupSelection selection(ObjectNode body) {
    body.fieldNames()
        .forEachRemaining(name -> {
          if (!List.of("buckets", "from", "to").contains(name)) {
            throw new PannierException.Invalid(
                "Unknown field '" + name + "': expected buckets, from, to");
          }
        });
    OptionalLong from = Json.unsigned(body, "from");
    OptionalLong to = Json.unsigned(body, "to");
    return new BackupSelection(
        Json.texts(body, "buckets").orElse(List.of()), range(from.orElse(0), to));
  }

  private static TimeRange range(long from, OptionalLong to) {
    TimeRange range = to.isPresent() ? TimeRange.of(from, to.getAsLong()) : TimeRange.from(from);
    if (range.isEmpty()) {
      throw new PannierException.Invalid("'to' must be behind 'from'");
    }
    return range;
  }

  /** Sends lines; the head of the answer goes with the first of them. */
  private static final class Listing {
    private final Call call;
    private final String id;
    private final ByteBuffer lines = ByteBuffer.allocate(LINES_BYTES);
    private @Nullable ResponseStream out;

    Listing(Call call, String id) {
      this.call = call;
      this.id = id;
    }

    void line(String line) {
      byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
      if (bytes.length > lines.remaining()) {
        flush();
      }
      if (bytes.length > lines.capacity()) {
        stream().write(ByteBuffer.wrap(bytes));
      } else {
        lines.put(bytes);
      }
    }

    private ResponseStream stream() {
      ResponseStream begun = out;
      if (begun == null) {
        begun =
            call.exchange()
                .startResponse(
                    call.head(
                        Response.of(200)
                            .header("content-type", "text/plain; charset=utf-8")
                            .header(ID, id)));
        out = begun;
      }
      return begun;
    }

    private void flush() {
      call.confirm();
      stream().write(lines.flip());
      lines.clear();
    }

    void end() {
      flush();
      stream().close();
    }

    void abort() {
      ResponseStream begun = out;
      if (begun != null) {
        begun.abort();
        begun.close();
      }
    }
  }

  /** Sends a block. */
  void block(Call call) {
    Snapshot.Wanted wanted =
        new Snapshot.Wanted(
            number(call.entry(), "number of a block"),
            number(required(call, "bytes"), "bytes"),
            number(required(call, "changes"), "changes"),
            parts(call, "had"),
            parts(call, "had_changes"));
    call.block(ex ->
        context
            .snapshots()
            .get(call.bucket())
            .use(snapshot -> {
              try (Snapshot.Bytes bytes = snapshot.open(wanted)) {
                send(call, bytes);
              }
            }));
  }

  private void send(Call call, Snapshot.Bytes bytes) throws IOException {
    var crc = new CRC32C();
    Response head =
        Response.of(200)
            .header("content-type", "application/octet-stream")
            .header("x-pannier-from", Long.toString(bytes.from()))
            .header("x-pannier-changes-from", Long.toString(bytes.changesFrom()))
            .contentLength(bytes.length() + Integer.BYTES);
    try (ResponseStream out = call.exchange().startResponse(call.head(head))) {
      boolean whole = false;
      try {
        long left = bytes.length();
        while (left > 0) {
          call.confirm();
          Buffers.Lease lease = context.buffers.take(PIECE);
          boolean given = false;
          try {
            ByteBuffer piece = lease.buffer();
            piece.clear().limit((int) Math.min(PIECE, left));
            bytes.read(piece);
            piece.flip();
            if (!piece.hasRemaining()) {
              throw new IOException("block ended early");
            }
            crc.update(piece.duplicate());
            left -= piece.remaining();
            given = true;
            out.write(piece, lease::release);
          } finally {
            if (!given) {
              lease.release();
            }
          }
        }
        out.write(
            ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt((int) crc.getValue())
                .flip());
        whole = true;
      } catch (PannierException gone) {
        // The head is out: the connection that ends early says that it did not work.
        whole = false;
      } finally {
        if (!whole) {
          out.abort();
        }
      }
    }
  }

  /** Ends a backup. */
  void end(Call call) {
    call.block(ex -> {
      context.snapshots().end(call.bucket());
      call.respond(Response.of(200));
    });
  }

  private static String required(Call call, String name) {
    String value = call.parameter(name);
    if (value == null) {
      throw new PannierException.Invalid("Missing '" + name + "' parameter");
    }
    return value;
  }

  private static long number(String text, String what) {
    if (!text.matches("\\d{1,18}")) {
      throw new PannierException.Invalid("'" + what + "' must be a number, not '" + text + "'");
    }
    return Long.parseLong(text);
  }

  private static List<Snapshot.Part> parts(Call call, String name) {
    String value = call.parameter(name);
    var parts = new ArrayList<Snapshot.Part>();
    for (String part : value == null || value.isEmpty() ? new String[0] : value.split(",", -1)) {
      if (!part.matches("\\d{1,18}:(-|[0-9a-f]{64})")) {
        throw new PannierException.Invalid(
            "'" + name + "' must be pairs of length and SHA-256, not '" + part + "'");
      }
      int colon = part.indexOf(':');
      String digest = part.substring(colon + 1);
      parts.add(
          new Snapshot.Part(
              Long.parseLong(part.substring(0, colon)), digest.equals("-") ? "" : digest));
    }
    return parts;
  }

  // ---------------------------------------------------------------- restoring a bucket

  /** Restores a bucket from the lines and bytes of the body. */
  void restore(Call call) {
    OptionalLong to =
        call.parameter("to") == null
            ? OptionalLong.empty()
            : OptionalLong.of(unsigned(required(call, "to"), "to"));
    TimeRange range =
        range(call.parameter("from") == null ? 0 : unsigned(required(call, "from"), "from"), to);
    call.block(ex -> {
      if (!restoring.compareAndSet(false, true)) {
        throw new PannierException.Unavailable("Another bucket is being restored", 30);
      }
      Response restored;
      try {
        restored = restore(call, range);
      } finally {
        restoring.set(false);
      }
      // Behind it: who has the answer may restore the next one.
      call.respond(restored);
    });
  }

  private static long unsigned(String text, String what) {
    try {
      return Long.parseUnsignedLong(text);
    } catch (NumberFormatException none) {
      throw new PannierException.Invalid(
          "'" + what + "' must be an unsigned integer, not '" + text + "'");
    }
  }

  private Response restore(Call call, TimeRange range) {
    var body = new RestoreBody(call.exchange().body());
    if (!(body.line() instanceof Backup.OfBucket bucket)) {
      throw new PannierException.Invalid("The body must begin with a bucket");
    }
    try (BucketImport into =
        context
            .store()
            .restoreBucket(call.bucket(), bucket.settings(), bucket.nextEntry(), range)) {
      for (Backup.Line line = body.line(); !(line instanceof Backup.End); line = body.line()) {
        call.confirm();
        body.beginBytes();
        into.add(line, body::read);
        if (line instanceof Backup.OfBlock) {
          body.endBytes();
        }
      }
      call.confirm();
      into.complete();
      List<Verification.Finding> damage = new ArrayList<>();
      // As with a bucket that is created: no token means by its name one that had it before.
      context.tokens().createBucket(() -> damage.addAll(into.publish()));
      return JsonText.object(json -> {
        json.writeStringField("bucket", call.bucket());
        json.writeNumberField("entries", into.entries());
        json.writeNumberField("records", into.records());
        json.writeNumberField("bytes", into.bytes());
        json.writeArrayFieldStart("damage");
        for (Verification.Finding finding : damage) {
          json.writeStartObject();
          json.writeStringField("path", finding.path());
          json.writeStringField("text", finding.text());
          json.writeEndObject();
        }
        json.writeEndArray();
      });
    }
  }
}
