package io.pannier.server;

import io.pannier.model.Ack;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Writing, changing and removing records in batches, in both protocols (http-api.md §10.2, §10.4,
 * §14.3, §14.4). Failures are told per record.
 */
final class BatchRoutes {
  private final Context context;

  BatchRoutes(Context context) {
    this.context = context;
  }

  // ---------------------------------------------------------------- requests

  private static BatchRequest parseOne(Call call, BatchRequest.Purpose purpose) {
    var parser = new BatchV1(purpose);
    Exchange exchange = call.exchange();
    for (int i = 0; i < exchange.headerCount(); i++) {
      String name = exchange.headerName(i);
      if (name.startsWith(BatchV1.TIME)) {
        parser.header(name, value(exchange, i));
      }
    }
    return parser.request(call.entry());
  }

  private static BatchRequest parseMany(Call call, BatchRequest.Purpose purpose) {
    var parser = new BatchV2(purpose);
    Exchange exchange = call.exchange();
    for (int i = 0; i < exchange.headerCount(); i++) {
      String name = exchange.headerName(i);
      if (name.startsWith(BatchV2.PREFIX)) {
        parser.header(name, value(exchange, i));
      }
    }
    return parser.request();
  }

  private static String value(Exchange exchange, int index) {
    String value = HeaderText.value(exchange, index);
    if (value == null) {
      throw LabelItems.malformed();
    }
    return value;
  }

  // ---------------------------------------------------------------- write

  void writeOne(Call call) {
    BatchRequest request = parseOne(call, BatchRequest.Purpose.WRITE);
    OptionalLong announced = RecordHeaders.announcedLength(call.exchange());
    write(call, request, announced, false);
  }

  void writeMany(Call call) {
    BatchRequest request = parseMany(call, BatchRequest.Purpose.WRITE);
    OptionalLong announced = OptionalLong.of(RecordHeaders.requiredLength(call.exchange()));
    write(call, request, announced, true);
  }

  private void write(Call call, BatchRequest request, OptionalLong announced, boolean many) {
    if (announced.isPresent() && announced.getAsLong() != request.length()) {
      throw BatchRequest.lengthMismatch();
    }
    Ack ack = context.acks.wanted(call.exchange());
    var errors = new @Nullable PannierException[request.items().size()];
    Optional<Bucket> bucket = context.store().findBucket(call.bucket());
    if (bucket.isEmpty() || errors.length == 0) {
      Arrays.fill(
          errors, new PannierException.NotFound("Bucket '" + call.bucket() + "' is not found"));
      call.respond(response(request, errors, many, true));
      return;
    }
    call.found(bucket.get());
    call.countIngress(request.length());
    context.writers.block(
        call,
        ex -> {
          new BatchWriter(
                  context.buffers,
                  context.events.usage(),
                  bucket.get(),
                  request,
                  RecordHeaders.origin(call.exchange()),
                  errors)
              .write(ex.body());
          context.acks.respond(call, bucket.get(), ack, response(request, errors, many, true));
        });
  }

  // ---------------------------------------------------------------- update

  void updateOne(Call call) {
    BatchRequest request = parseOne(call, BatchRequest.Purpose.UPDATE);
    change(call, request, false, updateFrom(RecordHeaders.origin(call.exchange())));
  }

  void updateMany(Call call) {
    BatchRequest request = parseMany(call, BatchRequest.Purpose.UPDATE);
    change(call, request, true, updateFrom(RecordHeaders.origin(call.exchange())));
  }

  private static Change updateFrom(Optional<UUID> origin) {
    return (entry, items, errors) -> {
      List<Labels> updates = items.stream().map(BatchItem::labels).toList();
      entry.updateAll(timestamps(items), updates, origin, errors);
    };
  }

  // ---------------------------------------------------------------- remove

  void removeOne(Call call) {
    BatchRequest request = parseOne(call, BatchRequest.Purpose.REMOVE);
    Attachments.checkRemoveRecords(call.entry());
    change(call, request, false, BatchRoutes::remove);
  }

  void removeMany(Call call) {
    BatchRequest request = parseMany(call, BatchRequest.Purpose.REMOVE);
    for (BatchItem item : request.items()) {
      Attachments.checkRemoveRecords(request.entries().get(item.entry()));
    }
    change(call, request, true, BatchRoutes::remove);
  }

  private static void remove(
      Entry entry, List<BatchItem> items, @Nullable PannierException[] errors) {
    entry.removeAll(timestamps(items), errors);
  }

  // ---------------------------------------------------------------- both

  /** What happens to records of one entry. */
  private interface Change {
    void apply(Entry entry, List<BatchItem> items, @Nullable PannierException[] errors);
  }

  private void change(Call call, BatchRequest request, boolean many, Change change) {
    Bucket bucket = context.bucket(call);
    if (!many) {
      bucket.entry(call.entry());
    }
    Ack ack = context.acks.wanted(call.exchange());
    call.block(ex -> {
      List<BatchItem> items = request.items();
      var errors = new @Nullable PannierException[items.size()];
      for (int from = 0; from < items.size(); ) {
        int to = endOfRun(items, from);
        var own = new @Nullable PannierException[to - from];
        try {
          Entry entry = bucket.entry(request.entries().get(items.get(from).entry()));
          change.apply(entry, items.subList(from, to), own);
        } catch (PannierException e) {
          fillMissing(own, e);
        }
        System.arraycopy(own, 0, errors, from, own.length);
        from = to;
      }
      context.acks.respond(call, bucket, ack, response(request, errors, many, false));
    });
  }

  /** Where the records of the next entry begin. */
  static int endOfRun(List<BatchItem> items, int from) {
    int to = from + 1;
    while (to < items.size() && items.get(to).entry() == items.get(from).entry()) {
      to++;
    }
    return to;
  }

  /** Gives every record that has no error of its own this one. */
  static void fillMissing(@Nullable PannierException[] errors, PannierException error) {
    for (int i = 0; i < errors.length; i++) {
      if (errors[i] == null) {
        errors[i] = error;
      }
    }
  }

  private static long[] timestamps(List<BatchItem> items) {
    return items.stream().mapToLong(BatchItem::timestamp).toArray();
  }

  private static Response response(
      BatchRequest request, @Nullable PannierException[] errors, boolean many, boolean isWrite) {
    Response response = Response.of(200);
    if (many) {
      String entries = BatchV2.encodeList(request.entries());
      String start = Timestamp.toString(request.start());
      if (isWrite) {
        response.header(BatchV2.ENTRIES, entries).header(BatchV2.START, start);
      } else {
        response.header(BatchV2.START, start).header(BatchV2.ENTRIES, entries);
      }
    }
    var told = new ArrayList<String>();
    for (int i = 0; i < errors.length; i++) {
      PannierException error = errors[i];
      if (error != null) {
        BatchItem item = request.items().get(i);
        String name =
            many
                ? BatchV2.errorHeader(item.entry(), item.timestamp() - request.start())
                : BatchV1.ERROR + Timestamp.toString(item.timestamp());
        // Of a record that stands in the request twice, the first error is told.
        if (told.isEmpty() || !told.getLast().equals(name)) {
          response.header(name, Errors.ofRecord(error));
          told.add(name);
        }
      }
    }
    return response;
  }
}
