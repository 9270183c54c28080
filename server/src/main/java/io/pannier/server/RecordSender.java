package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.RecordBody;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the bodies of records. Up to {@link RecordBody#WHOLE_MAX} bytes are verified before the
 * status line, so damage there is a 500; damage further in cuts the connection, and the log names
 * the record.
 */
final class RecordSender {
  private static final Logger LOG = LoggerFactory.getLogger(RecordSender.class);

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
        stream(call, record, body);
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
    call.countEgress(to - from);
    try (RecordBody body = record.open()) {
      if (from == to) {
        call.respond(head);
        return;
      }
      Buffers.Lease first = context.buffers.take(PIECE);
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
        copy(isAllowed, record, body, from + sent, to, out);
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

  private void stream(Call call, StoredRecord record, RecordBody body) {
    call.countEgress(record.length());
    Buffers.Lease first = context.buffers.take(PIECE);
    ResponseStream out;
    try {
      body.read(0, first.buffer());
      out =
          call.exchange()
              .startResponse(call.head(RecordHeaders.head(record).contentLength(body.length())));
    } catch (RuntimeException e) {
      first.release();
      throw e;
    }
    try (out) {
      long sent = first.buffer().position();
      out.write(first.buffer().flip(), first::release);
      copy(call, record, body, sent, out);
    }
  }

  /**
   * Sends the rest of a body. False: the connection was cut, for the rest is not what it should be,
   * or the caller may not have it any more.
   */
  boolean copy(Call call, StoredRecord record, RecordBody body, long from, ResponseStream out) {
    return copy(call::isStillAllowed, record, body, from, body.length(), out);
  }

  private boolean copy(
      BooleanSupplier isAllowed,
      StoredRecord record,
      RecordBody body,
      long from,
      long to,
      ResponseStream out) {
    long at = from;
    while (at < to) {
      if (!isAllowed.getAsBoolean()) {
        out.abort();
        return false;
      }
      Buffers.Lease lease = null;
      try {
        lease = context.buffers.take((int) Math.min(PIECE, body.length() - at));
        readFrom(body, at, to, lease);
      } catch (PannierException e) {
        if (lease != null) {
          lease.release();
        }
        out.abort();
        LOG.error("record was cut off while it was sent: {}", record, e);
        return false;
      }
      ByteBuffer piece = lease.buffer();
      at += piece.remaining();
      out.write(piece, lease::release);
    }
    context.events.usage().read(record.entry(), record.length());
    return true;
  }
}
