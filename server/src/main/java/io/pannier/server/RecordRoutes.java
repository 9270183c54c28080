package io.pannier.server;

import io.pannier.model.Ack;
import io.pannier.model.Labels;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.server.http.BodyReader;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.StoredRecord;
import io.pannier.store.Upload;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Single records (http-api.md §9). */
final class RecordRoutes {
  /** Bodies up to this length are read and sent on the event loop. */
  static final int ON_LOOP_MAX = 64 * 1024;

  /**
   * Longest body that is gathered on the event loop and appended there. Handing 100 KB to a worker
   * and back costs more than writing them: three threads to wake, where the write is one copy.
   */
  static final int GATHERED_MAX = 256 * 1024;

  private final Context context;
  private final RecordSender sender;
  private final QueryRoutes queries;

  RecordRoutes(Context context, QueryRoutes queries) {
    this.context = context;
    this.queries = queries;
    sender = new RecordSender(context);
  }

  // ---------------------------------------------------------------- write

  /** A write that passed everything that can be checked before its body. */
  private record Write(
      Call call,
      Bucket bucket,
      long timestamp,
      String contentType,
      Labels labels,
      Optional<UUID> origin,
      long length,
      @Nullable Ack ack) {
    NewRecord record(ByteBuffer body) {
      return new NewRecord(timestamp, contentType, labels, origin, body);
    }
  }

  void write(Call call) {
    Exchange exchange = call.exchange();
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    Bucket bucket = context.bucket(call);
    long length = RecordHeaders.requiredLength(exchange);
    Labels labels = RecordHeaders.labels(exchange);
    Ack ack = context.acks.wanted(exchange);
    Optional<Entry> entry = bucket.findEntry(call.entry());
    if (entry.isEmpty()) {
      Names.checkEntry(call.entry());
    }
    Attachments.checkWrite(call.entry(), labels);
    var write =
        new Write(
            call,
            bucket,
            timestamp,
            RecordHeaders.contentType(exchange),
            labels,
            RecordHeaders.origin(exchange),
            length,
            ack);
    call.countIngress(length);
    if (length <= GATHERED_MAX && !exchange.isChunked() && exchange.contentLength() == length) {
      if (exchange.header("expect") != null && entry.isPresent()) {
        refuseExisting(entry.get(), timestamp);
      }
      call.receive((int) length, body -> store(write, body));
    } else {
      context.writers.block(call, ex -> upload(write));
    }
  }

  /**
   * Where the client waits to be told to send, it is told at once that there is such a record, if
   * that takes no look into a file.
   */
  private static void refuseExisting(Entry entry, long timestamp) {
    try {
      if (entry.tryFind(timestamp) != null) {
        throw new PannierException.Conflict(
            "A record with timestamp " + Timestamp.toString(timestamp) + " already exists");
      }
    } catch (PannierException.NotFound free) {
      // As it should be.
    }
  }

  /**
   * On the event loop: appends at once if nothing stands in the way, else goes where waiting is
   * allowed.
   */
  private void store(Write write, ByteBuffer body) {
    NewRecord record = write.record(body);
    Optional<Entry> entry = write.bucket.findEntry(write.call.entry());
    if (entry.isPresent() && entry.get().tryWrite(record)) {
      stored(write, entry.get());
      return;
    }
    write.call.block(ex -> {
      Entry target = write.bucket.entryForWrite(write.call.entry(), write.length);
      target.write(record);
      stored(write, target);
    });
  }

  private void stored(Write write, Entry entry) {
    context.events.usage().wrote(entry, write.length);
    context.acks.respond(write.call, write.bucket, write.ack, Response.of(200));
  }

  /** On a worker: takes the body as it comes. Whatever goes wrong, nothing of the record stays. */
  private void upload(Write write) {
    Entry entry = write.bucket.entryForWrite(write.call.entry(), write.length);
    try (Upload upload =
        entry.beginUpload(
            write.timestamp, write.contentType, write.labels, write.origin, write.length)) {
      BodyReader body = write.call.exchange().body();
      for (ByteBuffer piece = body.next(); piece != null; piece = body.next()) {
        upload.write(piece);
      }
      write.call.confirm();
      upload.commit();
    }
    stored(write, entry);
  }

  // ---------------------------------------------------------------- read

  void read(Call call) {
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(call.entry());
    String ts = call.parameter("ts");
    if (ts == null) {
      String q = call.parameter("q");
      if (q != null) {
        queries.readRecord(call, bucket, entry, q);
        return;
      }
      StoredRecord latest = entry.tryLatest();
      if (latest != null) {
        sender.send(call, latest);
      } else {
        call.block(ex -> sender.sendBlocking(call, entry.latest()));
      }
      return;
    }
    long timestamp = RecordHeaders.timestamp(ts);
    StoredRecord record = entry.tryFind(timestamp);
    if (record != null) {
      sender.send(call, record);
    } else {
      call.block(ex -> sender.sendBlocking(call, entry.find(timestamp)));
    }
  }

  // ---------------------------------------------------------------- update and remove

  void update(Call call) {
    Exchange exchange = call.exchange();
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(call.entry());
    Labels labels = RecordHeaders.labels(exchange);
    Ack ack = context.acks.wanted(exchange);
    call.block(ex -> {
      var error = new @Nullable PannierException[1];
      entry.updateAll(
          new long[] {timestamp}, List.of(labels), RecordHeaders.origin(exchange), error);
      if (error[0] != null) {
        throw error[0];
      }
      context.acks.respond(call, bucket, ack, Response.of(200));
    });
  }

  /** With a time one record, without any parameter the entry. */
  void remove(Call call) {
    if (call.exchange().query().isEmpty()) {
      removeEntry(call);
      return;
    }
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    Bucket bucket = context.bucket(call);
    Attachments.checkRemoveRecords(call.entry());
    Entry entry = bucket.entry(call.entry());
    Ack ack = context.acks.wanted(call.exchange());
    call.block(ex -> {
      entry.remove(timestamp);
      context.acks.respond(call, bucket, ack, Response.of(200));
    });
  }

  private void removeEntry(Call call) {
    Bucket bucket = context.bucket(call);
    Attachments.checkRemoveEntry(call.entry());
    bucket.entry(call.entry());
    call.block(ex -> {
      bucket.removeEntry(call.entry());
      call.respond(Response.of(200));
    });
  }
}
