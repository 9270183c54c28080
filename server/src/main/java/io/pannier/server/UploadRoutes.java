package io.pannier.server;

import io.pannier.model.Ack;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.server.http.BodyReader;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.PartialUploads;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Large records that come over more than one connection ({@code docs/replication.md}, "Large
 * records"). The path names the bucket; {@code entry}, {@code ts} and {@code id} name the upload.
 */
final class UploadRoutes {
  /** Bytes that have arrived. */
  private static final String OFFSET = "x-pannier-upload-offset";

  private static final String CHECKSUM = "x-pannier-crc32c";
  private static final int WRONG_OFFSET = 412;
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,100}");

  private final Context context;

  UploadRoutes(Context context) {
    this.context = context;
  }

  /** How much of it is there. */
  void get(Call call) {
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    String id = id(call);
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(entryName(call));
    call.block(ex -> call.respond(at(200, context.uploads().received(entry, timestamp, id))));
  }

  /** Goes on with it, or begins one. What arrives is kept whatever becomes of the connection. */
  void append(Call call) {
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    String id = id(call);
    long offset = number(call, "offset");
    Bucket bucket = context.bucket(call);
    BatchItem item = item(call, timestamp);
    long coming = RecordHeaders.requiredLength(call.exchange());
    if (offset > item.length() || coming > item.length() - offset) {
      throw new PannierException.Invalid(
          "'offset' and content-length must lie within the "
              + item.length()
              + " bytes of the record");
    }
    String name = entryName(call);
    Names.checkEntry(name);
    var draft =
        new PartialUploads.Draft(
            timestamp,
            item.contentType(),
            item.labels(),
            RecordHeaders.origin(call.exchange()),
            item.length());
    call.countIngress(coming);
    context.writers.block(
        call,
        ex -> {
          Entry entry = bucket.entryForWrite(name, item.length());
          PartialUploads.Turn turn = context.uploads().take(entry, id, draft, offset);
          if (turn.session() == null) {
            call.respond(at(WRONG_OFFSET, turn.received()));
            return;
          }
          call.respond(at(200, receive(call, turn)));
        });
  }

  private static long receive(Call call, PartialUploads.Turn turn) {
    boolean whole = false;
    try {
      BodyReader body = call.exchange().body();
      for (ByteBuffer piece = body.next(); piece != null; piece = body.next()) {
        call.confirm();
        turn.write(piece);
      }
      whole = true;
      return turn.rest();
    } finally {
      if (!whole) {
        turn.rest();
      }
    }
  }

  /** Makes a record of it. */
  void finish(Call call) {
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    String id = id(call);
    int checksum = checksum(call.exchange());
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(entryName(call));
    Ack ack = context.acks.wanted(call.exchange());
    call.block(ex -> {
      call.confirm();
      long length = context.uploads().finish(entry, timestamp, id, checksum);
      context.events.usage().wrote(entry, length);
      context.acks.respond(call, bucket, ack, Response.of(200));
    });
  }

  /** Gives it up. */
  void abandon(Call call) {
    long timestamp = RecordHeaders.timestamp(call.parameter("ts"));
    String id = id(call);
    Entry entry = context.bucket(call).entry(entryName(call));
    call.block(ex -> {
      context.uploads().abandon(entry, timestamp, id);
      call.respond(Response.of(200));
    });
  }

  private static Response at(int status, long offset) {
    Response answer =
        status == WRONG_OFFSET
            ? Response.error(status, "The upload goes on at byte " + offset)
            : Response.of(status);
    return answer.header(OFFSET, Long.toString(offset));
  }

  private static String entryName(Call call) {
    String name = call.parameter("entry");
    if (name == null || name.isEmpty()) {
      throw new PannierException.Invalid("'entry' parameter is required");
    }
    if (Names.isMeta(name)) {
      throw new PannierException.Invalid("Attachments cannot be uploaded in parts");
    }
    return name;
  }

  private static String id(Call call) {
    String id = call.parameter("id");
    if (id == null || !ID.matcher(id).matches()) {
      throw new PannierException.Invalid(
          "'id' parameter must be 1 to 100 letters, digits, '-' and '_'");
    }
    return id;
  }

  private static long number(Call call, String name) {
    String text = call.parameter(name);
    try {
      long number = text == null ? -1 : Long.parseLong(text);
      if (number >= 0) {
        return number;
      }
    } catch (NumberFormatException malformed) {
      // told below
    }
    throw new PannierException.Invalid("'" + name + "' parameter must be a number of bytes");
  }

  /** The record as a batch would announce it, with the length of the whole. */
  private static BatchItem item(Call call, long timestamp) {
    Exchange exchange = call.exchange();
    var headers = new BatchV1(BatchRequest.Purpose.WRITE);
    int count = exchange.headerCount();
    for (int i = 0; i < count; i++) {
      String name = exchange.headerName(i);
      if (name.startsWith(BatchV1.TIME)) {
        String value = HeaderText.value(exchange, i);
        if (value == null) {
          throw new PannierException.Invalid("Header '" + name + "' must be valid UTF-8");
        }
        headers.header(name, value);
      }
    }
    var items = headers.request("").items();
    if (items.size() != 1 || items.getFirst().timestamp() != timestamp) {
      throw new PannierException.Invalid(
          "One header " + BatchV1.recordHeader(timestamp) + " is required");
    }
    return items.getFirst();
  }

  private static int checksum(Exchange exchange) {
    String text = exchange.header(CHECKSUM);
    try {
      return Integer.parseUnsignedInt(Optional.ofNullable(text).orElse(""), 16);
    } catch (NumberFormatException malformed) {
      throw new PannierException.Invalid(
          CHECKSUM + " header must be the CRC32C of the body in hexadecimal digits");
    }
  }
}
