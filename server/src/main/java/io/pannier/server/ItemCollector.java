package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.ItemSink;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.when.TransferLimits;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.store.Bucket;
import io.pannier.store.RecordBody;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * What extensions made of records, for one answer to a query. Extensions may make it in any order
 * of time and clients read bodies in the order of time, so it is sorted when it is sent, and
 * headers are made then. Bodies are read when they are sent, but for small answers, whose errors
 * are told in place of the answer.
 */
final class ItemCollector implements ItemSink, BatchAnswer {
  private static final int PIECE = 4 * RecordBody.CHUNK;
  private static final int WHOLE_MAX = 1 << 20;

  private static final Comparator<Item> BY_TIME =
      ((Comparator<Item>) (a, b) -> Timestamp.compare(a.timestamp(), b.timestamp()))
          .thenComparing(Item::entry);

  private record Place(String entry, long timestamp) {}

  private final Context context;
  private final Bucket bucket;
  private final BatchCollector.Form form;
  private final boolean isHead;
  private final LongConsumer sending;
  private final int maxRecords;
  private final long maxBytes;
  private final long maxHeaderBytes;
  private final List<Item> items = new ArrayList<>();
  private final Set<Place> places = new HashSet<>();
  private final Set<String> labelNames = new HashSet<>();
  private long length;
  private long headerBytes;

  /** Most that the lists of names can take, whatever the order will be. */
  private int entryNameBytes;

  private int labelNameBytes;

  /**
   * @param wanted limits of the query, which go before those of the server
   * @param sending is told the length of each body before it is taken, and may refuse it
   */
  ItemCollector(
      Context context,
      Bucket bucket,
      BatchCollector.Form form,
      boolean isHead,
      TransferLimits wanted,
      LongConsumer sending) {
    this.context = context;
    this.bucket = bucket;
    this.form = form;
    this.isHead = isHead;
    this.sending = sending;
    IoLimits io = context.config.io();
    maxRecords =
        form == BatchCollector.Form.SINGLE
            ? 1
            : Math.max(1, wanted.batchRecords().orElse(io.batchRecords()));
    maxBytes = wanted.batchBytes().orElse(io.batchBytes());
    maxHeaderBytes = wanted.metadataBytes().orElse(io.metadataBytes());
  }

  @Override
  public boolean add(Item item) {
    var place = new Place(item.entry(), item.timestamp());
    if (places.contains(place) || !fits(item)) {
      return false;
    }
    if (!isHead) {
      sending.accept(item.body().length());
    }
    places.add(place);
    items.add(item);
    length += item.body().length();
    headerBytes += 40 + item.contentType().length();
    entryNameBytes += HeaderText.percentEncode(item.entry()).length() + 1;
    note(item.labels(), "");
    note(item.computed(), "@");
    return true;
  }

  /** The names in the headers of a batch are bounded by what clients take as one field. */
  private boolean fits(Item item) {
    return items.isEmpty()
        || form != BatchCollector.Form.V2
        || (entryNameBytes + 3 * item.entry().length() + 1 <= BatchV2Encoder.FIELD_MAX
            && labelNameBytes + more(item.labels()) + more(item.computed())
                <= BatchV2Encoder.FIELD_MAX);
  }

  private static int more(Labels labels) {
    int bytes = 0;
    for (int i = 0; i < labels.size(); i++) {
      bytes += HeaderText.percentEncode(labels.name(i)).length() + 4;
    }
    return bytes;
  }

  private void note(Labels labels, String prefix) {
    headerBytes += labels.utf8Bytes() + 3L * labels.size();
    for (int i = 0; i < labels.size(); i++) {
      if (labelNames.add(prefix + labels.name(i))) {
        labelNameBytes += HeaderText.percentEncode(labels.name(i)).length() + 4;
      }
    }
  }

  @Override
  public boolean isEmpty() {
    return items.isEmpty();
  }

  @Override
  public boolean isFull() {
    return items.size() >= maxRecords
        || (!isHead && length > maxBytes)
        || headerBytes > maxHeaderBytes;
  }

  @Override
  public void send(Call call, boolean last) {
    items.sort(BY_TIME);
    Response head = head(last);
    if (isHead) {
      call.respond(head.contentLength(length));
    } else if (length <= WHOLE_MAX) {
      sendWhole(call, head);
    } else {
      try (ResponseStream out =
          call.exchange().startResponse(call.head(head.contentLength(length)))) {
        for (Item item : items) {
          if (!copy(context, call::isStillAllowed, item.body(), 0, item.body().length(), out)) {
            return;
          }
          count(item);
        }
      }
    }
  }

  private void sendWhole(Call call, Response head) {
    if (length == 0) {
      items.forEach(this::count);
      call.respond(head);
      return;
    }
    Buffers.Lease lease = context.buffers.take((int) length);
    try {
      ByteBuffer all = lease.buffer().clear();
      for (Item item : items) {
        readFully(item.body(), 0, all.limit(all.position() + (int) item.body().length()));
      }
      all.flip();
    } catch (RuntimeException e) {
      lease.release();
      throw e;
    }
    items.forEach(this::count);
    call.respond(head.body(lease.buffer(), lease::release));
  }

  /** Counts what was read for the entry that it appears under, if there is one of that name. */
  private void count(Item item) {
    count(context, bucket, item, item.body().length());
  }

  static void count(Context context, Bucket bucket, Item item, long bytes) {
    bucket.findEntry(item.entry()).ifPresent(entry -> context.events.usage().read(entry, bytes));
  }

  /** Fills the target; a body that ends early is a fault of its extension. */
  static void readFully(Body body, long position, ByteBuffer target) {
    int wanted = target.remaining();
    if (body.read(position, target) < wanted) {
      throw new PannierException.Internal("Content of an extension ended early", null);
    }
  }

  /** Sends a part of a body. False: the connection was cut. */
  static boolean copy(
      Context context,
      BooleanSupplier isAllowed,
      Body body,
      long from,
      long to,
      ResponseStream out) {
    for (long at = from; at < to; ) {
      if (!isAllowed.getAsBoolean()) {
        out.abort();
        return false;
      }
      int bytes = (int) Math.min(PIECE, to - at);
      Buffers.Lease lease = null;
      try {
        lease = context.buffers.take(bytes);
        readFully(body, at, lease.buffer().clear().limit(bytes));
        lease.buffer().flip();
      } catch (RuntimeException e) {
        if (lease != null) {
          lease.release();
        }
        out.abort(e);
        return false;
      }
      out.write(lease.buffer(), lease::release);
      at += bytes;
    }
    return true;
  }

  private Response head(boolean last) {
    if (form == BatchCollector.Form.SINGLE) {
      return RecordHeaders.head(200, items.getFirst());
    }
    Response head = Response.of(200);
    if (form == BatchCollector.Form.V1) {
      for (Item item : items) {
        head.header(
            BatchV1.recordHeader(item.timestamp()),
            BatchV1.recordValue(
                item.body().length(),
                item.contentType(),
                withComputed(item.labels(), item.computed())));
      }
    } else {
      var encoder = new BatchV2Encoder();
      for (Item item : items) {
        encoder.add(
            item.entry(),
            item.timestamp(),
            item.body().length(),
            item.contentType(),
            item.labels(),
            item.computed());
      }
      encoder.emit(head::header);
    }
    return head.header("content-type", BatchV1.DEFAULT_CONTENT_TYPE)
        .header("x-reduct-last", Boolean.toString(last));
  }

  /** All labels as clients see them, sorted as text. */
  static Labels withComputed(Labels labels, Labels computed) {
    if (computed.isEmpty()) {
      return labels;
    }
    var all = new Labels.Builder();
    for (int i = 0; i < labels.size(); i++) {
      all.set(labels.name(i), labels.value(i));
    }
    for (int i = 0; i < computed.size(); i++) {
      all.set("@" + computed.name(i), computed.value(i));
    }
    return all.build();
  }

  @Override
  public void close() {
    items.forEach(item -> item.body().close());
    items.clear();
  }
}
