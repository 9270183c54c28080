package io.pannier.server;

import io.pannier.model.Timestamp;
import io.pannier.query.BatchSink;
import io.pannier.query.when.TransferLimits;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.RecordBody;
import io.pannier.store.RecordRun;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The records of one answer to a query. Every body is opened, and verified if it is not longer than
 * {@link RecordBody#WHOLE_MAX}, while the batch is collected: before the status line. Small bodies
 * stay in memory from then on, one behind the other; from the first one that finds no room there,
 * bodies are read again when they are sent, so that a batch of large records takes no more memory
 * than one of small ones.
 */
final class BatchCollector implements BatchSink, BatchAnswer {
  /** Bytes of bodies that are kept in memory. */
  private static final int KEPT_MAX = 1 << 20;

  /** How the records appear in the headers. */
  enum Form {
    /** One record, as if it was read alone. */
    SINGLE,
    /** Protocol v1. */
    V1,
    /** Protocol v2. */
    V2
  }

  private final Context context;
  private final Form form;
  private final boolean withBodies;
  private final int maxRecords;
  private final long maxBytes;
  private final long maxHeaderBytes;
  private final RecordSender sender;
  private final List<StoredRecord> records = new ArrayList<>();
  private final List<String> values = new ArrayList<>();
  private final BatchV2Encoder encoder = new BatchV2Encoder();
  private final LongConsumer sending;
  private long length;
  private int headerBytes;
  private Buffers.@Nullable Lease kept;
  private Buffers.@Nullable Lease window;
  private final RecordRun run = new RecordRun(this::window);
  private int keptBytes;

  /** Bodies behind those in memory. */
  private final List<RecordBody> later = new ArrayList<>();

  private int firstLater;

  /**
   * @param wanted limits of the query, which go before those of the server
   * @param sending is told the length of each body before it is taken, and may refuse it
   */
  BatchCollector(
      Context context,
      RecordSender sender,
      Form form,
      boolean withBodies,
      TransferLimits wanted,
      LongConsumer sending) {
    this.context = context;
    this.sender = sender;
    this.form = form;
    this.withBodies = withBodies;
    this.sending = sending;
    IoLimits io = context.config.io();
    maxRecords =
        form == Form.SINGLE ? 1 : Math.max(1, wanted.batchRecords().orElse(io.batchRecords()));
    maxBytes = wanted.batchBytes().orElse(io.batchBytes());
    maxHeaderBytes = wanted.metadataBytes().orElse(io.metadataBytes());
  }

  @Override
  public boolean add(StoredRecord record) {
    String entry = record.entry().name();
    if (form == Form.V2 && !encoder.fits(entry, record.labels())) {
      return false;
    }
    if (withBodies) {
      sending.accept(record.length());
      load(record);
    } else {
      record.requireIntact();
    }
    records.add(record);
    length += record.length();
    switch (form) {
      case SINGLE -> {
        // Its headers are made when it is sent.
      }
      case V1 -> {
        String value = BatchV1.recordValue(record.length(), record.contentType(), record.labels());
        values.add(value);
        headerBytes +=
            BatchV1.TIME.length() + Timestamp.digits(record.timestamp()) + value.length();
      }
      case V2 -> {
        encoder.add(
            entry, record.timestamp(), record.length(), record.contentType(), record.labels());
        headerBytes = encoder.bytes();
      }
    }
    return true;
  }

  @Override
  public boolean isEmpty() {
    return records.isEmpty();
  }

  @Override
  public boolean isFull() {
    return records.size() >= maxRecords
        || (withBodies && length > maxBytes)
        || headerBytes > maxHeaderBytes;
  }

  @Override
  public int maxRecords() {
    return maxRecords;
  }

  private void load(StoredRecord record) {
    if (later.isEmpty() && keep(record)) {
      return;
    }
    RecordBody body = record.open();
    boolean loaded = false;
    try {
      verify(body);
      if (later.isEmpty()) {
        firstLater = records.size();
      }
      later.add(body);
      loaded = true;
    } finally {
      if (!loaded) {
        body.close();
      }
    }
  }

  /** Reads the body behind those in memory if there is room. */
  private boolean keep(StoredRecord record) {
    if (record.length() > RecordBody.WHOLE_MAX / 2) {
      return false;
    }
    int frame = RecordRun.frameBytes(record);
    Buffers.Lease room = kept;
    if (room == null) {
      long wanted = Math.min(KEPT_MAX, Math.max(64 * 1024L, (long) frame * maxRecords));
      room = context.buffers.take((int) Math.max(wanted, frame));
      kept = room;
    }
    ByteBuffer memory = room.buffer();
    if (keptBytes + frame > memory.capacity()) {
      return false;
    }
    ByteBuffer bytes = run.read(record, memory.position(keptBytes));
    // Over the frame's header if it stands there, to the end of the body before.
    memory.put(keptBytes, bytes, 0, bytes.remaining());
    keptBytes += bytes.remaining();
    return true;
  }

  private ByteBuffer window() {
    Buffers.Lease lease = context.buffers.take(RecordRun.WINDOW);
    window = lease;
    return lease.buffer();
  }

  private void verify(RecordBody body) {
    boolean isWhole = body.length() <= RecordBody.WHOLE_MAX;
    Buffers.Lease scratch = context.buffers.take(isWhole ? body.frameBytes() : RecordBody.CHUNK);
    try {
      if (isWhole) {
        body.readWhole(scratch.buffer());
      } else {
        body.read(0, scratch.buffer().limit(RecordBody.CHUNK));
      }
    } finally {
      scratch.release();
    }
  }

  @Override
  public void send(Call call, boolean last) {
    Response head = head(last);
    if (call.isHead()) {
      call.respond(head.contentLength(length));
      return;
    }
    if (!withBodies) {
      call.respond(head);
      return;
    }
    if (later.isEmpty()) {
      Buffers.Lease memory = handOver();
      if (memory != null) {
        head.body(memory.buffer().position(0).limit(keptBytes), memory::release);
      }
      countKept(records.size());
      call.respond(head);
      return;
    }
    try (ResponseStream out =
        call.exchange().startResponse(call.head(head.contentLength(length)))) {
      Buffers.Lease memory = handOver();
      if (memory != null) {
        out.write(memory.buffer().position(0).limit(keptBytes), memory::release);
      }
      countKept(firstLater);
      for (int i = 0; i < later.size(); i++) {
        if (!sender.copy(call, records.get(firstLater + i), later.get(i), out)) {
          return;
        }
      }
    }
  }

  /** Counts the first records, whose bodies were in memory, as read. */
  private void countKept(int count) {
    for (int i = 0; i < count; i++) {
      StoredRecord record = records.get(i);
      context.events.usage().read(record.entry(), record.length());
    }
  }

  /** The bodies in memory, which belong to whoever sends them from now on. */
  private Buffers.@Nullable Lease handOver() {
    Buffers.Lease memory = kept;
    kept = null;
    return memory;
  }

  private Response head(boolean last) {
    if (form == Form.SINGLE) {
      return RecordHeaders.head(records.getFirst());
    }
    Response head = Response.of(200);
    if (form == Form.V1) {
      for (int i = 0; i < records.size(); i++) {
        head.header(BatchV1.recordHeader(records.get(i).timestamp()), values.get(i));
      }
    } else {
      encoder.emit(head::header);
    }
    return head.header("content-type", BatchV1.DEFAULT_CONTENT_TYPE)
        .header("x-reduct-last", Boolean.toString(last));
  }

  @Override
  public void close() {
    Buffers.Lease memory = handOver();
    if (memory != null) {
      memory.release();
    }
    later.forEach(RecordBody::close);
    later.clear();
    run.close();
    if (window != null) {
      window.release();
      window = null;
    }
  }
}
