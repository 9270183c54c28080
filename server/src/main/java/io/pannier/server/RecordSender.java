package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.RecordBody;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.BooleanSupplier;

/**
 * Sends the bodies of records. Up to {@link RecordBody#WHOLE_MAX} bytes are verified before the
 * status line, so damage there is a 500; damage further in cuts the connection, and the log names
 * the record.
 */
final class RecordSender {
  /** Bytes read and sent in one go. */
  static final int PIECE = 4 * RecordBody.CHUNK;

  /** Asks for, and carries, the CRC32C of a body in hexadecimal digits. */
  private static final String CHECKSUM = "x-pannier-crc32c";

  private final Context context;

  RecordSender(Context context) {
    this.context = context;
  }

  /** Sends a record; on an event loop. */
  void send(Call call, StoredRecord record) {
    if (call.isHead() && call.exchange().header(CHECKSUM) == null) {
      sendHead(call, record);
      return;
    }
    if (!call.isHead() && record.length() <= RecordRoutes.ON_LOOP_MAX) {
      try (RecordBody body = record.open()) {
        Buffers.Lease lease = context.buffers.tryTake(body.frameBytes());
        if (lease != null) {
          sendWhole(call, record, body, lease);
          return;
        }
      }
    }
    call.block(ex -> sendBlocking(call, record));
  }

  /** Sends a record; on a worker. */
  void sendBlocking(Call call, StoredRecord record) {
    if (call.isHead()) {
      sendHead(call, record);
      return;
    }
    try (RecordBody body = record.open()) {
      if (body.length() <= RecordBody.WHOLE_MAX) {
        sendWhole(call, record, body, context.buffers.take(body.frameBytes()));
      } else {
        stream(
            call, record, body, RecordHeaders.head(record), 0, body.length(), call::isStillAllowed);
      }
    }
  }

  /**
   * Sends a part of a record behind a head of the caller's; on a worker. Only the chunks that it
   * touches are read and verified.
   *
   * @param isAllowed asked again and again while it is sent
   */
  void sendPart(
      Call call,
      StoredRecord record,
      Response head,
      long from,
      long to,
      BooleanSupplier isAllowed) {
    if (call.isHead()) {
      record.requireIntact();
      call.respond(head.contentLength(to - from));
      return;
    }
    try (RecordBody body = record.open()) {
      if (from == to) {
        call.respond(head);
      } else {
        stream(call, record, body, head, from, to, isAllowed);
      }
    }
  }

  /** Reads a piece that begins at {@code from}: its buffer holds these bytes then. */
  private static void readFrom(RecordBody body, long from, long to, Buffers.Lease lease) {
    long aligned = from - from % RecordBody.CHUNK;
    ByteBuffer buffer = lease.buffer();
    long chunks = (to - aligned + RecordBody.CHUNK - 1) / RecordBody.CHUNK;
    buffer.limit((int) Math.min(buffer.limit(), chunks * RecordBody.CHUNK));
    body.read(aligned, buffer);
    int skipped = (int) (from - aligned);
    int end = (int) Math.min(buffer.position(), to - aligned);
    buffer.limit(end).position(skipped);
  }

  /** With the checksum of the body where it is wanted: then on a worker. */
  private static void sendHead(Call call, StoredRecord record) {
    record.requireIntact();
    Response head = RecordHeaders.head(record);
    if (call.exchange().header(CHECKSUM) != null) {
      head.header(CHECKSUM, HexFormat.of().toHexDigits(record.crc32c()));
    }
    call.respond(head.contentLength(record.length()));
  }

  private void sendWhole(Call call, StoredRecord record, RecordBody body, Buffers.Lease lease) {
    ByteBuffer bytes;
    try {
      call.countEgress(record.length());
      bytes = body.readWhole(lease.buffer());
    } catch (RuntimeException e) {
      lease.release();
      throw e;
    }
    context.events.usage().read(record.entry(), record.length());
    call.respond(RecordHeaders.head(record).body(bytes, lease::release));
  }

  /** Sends a part of a body piece by piece; there is at least one byte of it. */
  private void stream(
      Call call,
      StoredRecord record,
      RecordBody body,
      Response head,
      long from,
      long to,
      BooleanSupplier isAllowed) {
    call.countEgress(to - from);
    Buffers.Lease first = context.buffers.take(pieceBytes(body, from));
    ResponseStream out;
    try {
      readFrom(body, from, to, first);
      out = call.exchange().startResponse(call.head(head.contentLength(to - from)));
    } catch (RuntimeException e) {
      first.release();
      throw e;
    }
    try (out) {
      long sent = first.buffer().remaining();
      out.write(first.buffer(), first::release);
      if (copy(isAllowed, body, from + sent, to, out)) {
        context.events.usage().read(record.entry(), to - from);
      }
    }
  }

  /**
   * Sends a whole body and counts it as read. False: the connection was cut, for the rest is not
   * what it should be, or the caller may not have it any more.
   */
  boolean copy(Call call, StoredRecord record, RecordBody body, ResponseStream out) {
    boolean whole = copy(call::isStillAllowed, body, 0, body.length(), out);
    if (whole) {
      context.events.usage().read(record.entry(), body.length());
    }
    return whole;
  }

  private boolean copy(
      BooleanSupplier isAllowed, RecordBody body, long from, long to, ResponseStream out) {
    long at = from;
    while (at < to) {
      if (!isAllowed.getAsBoolean()) {
        out.abort();
        return false;
      }
      Buffers.Lease lease = null;
      try {
        lease = context.buffers.take(pieceBytes(body, at));
        readFrom(body, at, to, lease);
      } catch (PannierException e) {
        if (lease != null) {
          lease.release();
        }
        out.abort(e);
        return false;
      }
      ByteBuffer piece = lease.buffer();
      at += piece.remaining();
      out.write(piece, lease::release);
    }
    return true;
  }

  /** Room for the next piece of a body: reads begin where a chunk begins. */
  private static int pieceBytes(RecordBody body, long from) {
    return (int) Math.min(PIECE, body.length() - (from - from % RecordBody.CHUNK));
  }
}
