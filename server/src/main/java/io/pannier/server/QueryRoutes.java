package io.pannier.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.LabelType;
import io.pannier.model.Names;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.Explanation;
import io.pannier.query.Json;
import io.pannier.query.OldParameters;
import io.pannier.query.Queries;
import io.pannier.query.Query;
import io.pannier.query.QueryOptions;
import io.pannier.query.ReadOutcome;
import io.pannier.query.ReadSink;
import io.pannier.query.when.TransferLimits;
import io.pannier.server.access.Access;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Queries: begun, read, and run at once where they remove (http-api.md §12, §10.3, §14.5). */
final class QueryRoutes {
  private final Context context;
  private final RecordSender sender;

  QueryRoutes(Context context) {
    this.context = context;
    sender = new RecordSender(context);
  }

  // ---------------------------------------------------------------- begin

  void startOne(Call call) {
    call.receiveText(text -> {
      ObjectNode body = Json.object(text);
      QueryOptions options = QueryOptions.parse(body);
      boolean explain = Json.flag(body, "explain");
      call.require(explain ? Access.READ : rightFor(options.kind()));
      Bucket bucket = context.bucket(call);
      if (explain) {
        explained(call, Queries.explain(bucket.entry(call.entry()), options));
        return;
      }
      switch (options.kind()) {
        case QUERY ->
            begun(
                call,
                context.queries.start(
                    call.token().owner(), bucket, bucket.entry(call.entry()), options, body));
        case REMOVE -> {
          context.requireWriter();
          Context.refuseOwnBucket(call.bucket());
          removed(call, remove(bucket, call.entry(), options));
        }
      }
    });
  }

  void startMany(Call call) {
    call.receiveText(text -> {
      ObjectNode body = Json.object(text);
      QueryOptions options = QueryOptions.parse(body);
      boolean explain = Json.flag(body, "explain");
      call.require(explain ? Access.READ : rightFor(options.kind()));
      Bucket bucket = context.bucket(call);
      if (explain) {
        explained(call, Queries.explain(bucket, options));
        return;
      }
      switch (options.kind()) {
        case QUERY ->
            begun(call, context.queries.start(call.token().owner(), bucket, options, body));
        case REMOVE -> {
          context.requireWriter();
          Context.refuseOwnBucket(call.bucket());
          removed(call, context.queries.remove(bucket, options));
        }
      }
    });
  }

  private static Access rightFor(QueryOptions.Kind kind) {
    return switch (kind) {
      case QUERY -> Access.READ;
      case REMOVE -> Access.WRITE;
    };
  }

  void startOneLegacy(Call call) {
    String continuous = call.parameter("continuous");
    if (continuous != null && !continuous.equals("true") && !continuous.equals("false")) {
      throw new PannierException.Invalid("'continue' must be a bool value");
    }
    OptionalLong ttl = number(call, "ttl", "'ttl' must be in seconds as an unsigned integer");
    var options =
        new QueryOptions(
            QueryOptions.Kind.QUERY,
            Optional.empty(),
            time(call, "start"),
            time(call, "stop"),
            ttl.orElse(QueryOptions.DEFAULT_TTL_SECONDS),
            false,
            "true".equals(continuous),
            false,
            oldParameters(call).addTo(Optional.empty()));
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(call.entry());
    call.block(
        ex -> begun(call, context.queries.start(call.token().owner(), bucket, entry, options)));
  }

  void removeOneLegacy(Call call) {
    OptionalLong start = time(call, "start");
    OptionalLong stop = time(call, "stop");
    Bucket bucket = context.bucket(call);
    Attachments.checkRemoveRecords(call.entry());
    var options = QueryOptions.removal(start, stop, oldParameters(call).addTo(Optional.empty()));
    call.block(ex -> removed(call, remove(bucket, call.entry(), options)));
  }

  private long remove(Bucket bucket, String entryName, QueryOptions options) {
    Optional<Entry> entry = bucket.findEntry(entryName);
    if (entry.isEmpty()) {
      Names.checkEntry(entryName);
      Queries.checkRemoval(options);
      return 0;
    }
    return context.queries.remove(entry.get(), options);
  }

  private static OldParameters oldParameters(Call call) {
    String eachSeconds = call.parameter("each_s");
    OptionalDouble seconds = OptionalDouble.empty();
    if (eachSeconds != null) {
      if (LabelType.of(eachSeconds) != LabelType.INT
          && LabelType.of(eachSeconds) != LabelType.FLOAT) {
        throw new PannierException.Invalid("'each_s' must be a number of seconds");
      }
      seconds = OptionalDouble.of(LabelType.parseFloat(eachSeconds));
    }
    return new OldParameters(
        call.parameters("include-"),
        call.parameters("exclude-"),
        seconds,
        number(call, "each_n", "'each_n' must be an unsigned integer"),
        number(call, "limit", "'limit' must be an unsigned integer"));
  }

  private static OptionalLong time(Call call, String name) {
    return number(call, name, "'" + name + "' must be an unix timestamp in microseconds");
  }

  private static OptionalLong number(Call call, String name, String otherwise) {
    String text = call.parameter(name);
    if (text == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Timestamp.parse(text));
    } catch (NumberFormatException e) {
      throw new PannierException.Invalid(otherwise);
    }
  }

  private static void begun(Call call, Query query) {
    call.respond(JsonText.object(json -> JsonText.unsigned(json, "id", query.id())));
  }

  private static void explained(Call call, Explanation plan) {
    call.respond(
        JsonText.object(json -> {
          json.writeNumberField("entries", plan.entries());
          json.writeObjectFieldStart("blocks");
          json.writeNumberField("outside_range", plan.blocksOutside());
          json.writeNumberField("skipped", plan.blocksSkipped());
          json.writeNumberField("read", plan.blocksRead());
          json.writeEndObject();
          json.writeNumberField("index_bytes", plan.indexBytes());
          json.writeNumberField("records_judged", plan.records());
          json.writeNumberField("records_chosen", plan.chosen());
          json.writeNumberField("body_bytes", plan.bodyBytes());
          json.writeArrayFieldStart("skipped");
          for (Explanation.Skipped block : plan.skipped()) {
            json.writeStartObject();
            json.writeStringField("entry", block.entry());
            json.writeNumberField("block", block.block());
            json.writeNumberField("records", block.records());
            JsonText.unsigned(json, "oldest", block.oldest());
            JsonText.unsigned(json, "newest", block.newest());
            json.writeNumberField("member", block.member());
            json.writeStringField("reason", block.reason());
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  private static void removed(Call call, long records) {
    call.respond(JsonText.object(json -> json.writeNumberField("removed_records", records)));
  }

  // ---------------------------------------------------------------- read

  /** The next record of a query, as if it was read alone. */
  void readRecord(Call call, Bucket bucket, Entry entry, String q) {
    long id = RecordHeaders.queryId(q, "'query' must be a number");
    read(call, bucket, find(id, call, bucket, entry), BatchCollector.Form.SINGLE);
  }

  void readBatchOfOne(Call call) {
    String q = call.parameter("q");
    if (q == null) {
      throw new PannierException.Invalid("'q' parameter is required for batched reads");
    }
    long id = RecordHeaders.queryId(q, "'query' must be a number");
    Bucket bucket = context.bucket(call);
    Entry entry = bucket.entry(call.entry());
    read(call, bucket, find(id, call, bucket, entry), BatchCollector.Form.V1);
  }

  void readBatchOfMany(Call call) {
    String header = call.exchange().header("x-reduct-query-id");
    if (header == null) {
      throw new PannierException.Invalid("x-reduct-query-id header is required for batched reads");
    }
    long id = RecordHeaders.queryId(header.strip(), "Invalid query id");
    Bucket bucket = context.bucket(call);
    read(call, bucket, find(id, call, bucket, null), BatchCollector.Form.V2);
  }

  /** Finds a query; on a replica says why another instance of the group may know it. */
  private Query find(long id, Call call, Bucket bucket, @Nullable Entry entry) {
    try {
      return context.queries.find(id, call.token().owner(), bucket, entry);
    } catch (PannierException.NotFound unknown) {
      if (!context.store().isFollowing()) {
        throw unknown;
      }
      throw new PannierException.NotFound(
          unknown.getMessage()
              + " Instance '"
              + context.config.instanceName()
              + "' knows only queries that it began itself: a load balancer has to send the reads"
              + " of a query to the instance that began it.");
    }
  }

  private void read(Call call, Bucket bucket, Query query, BatchCollector.Form form) {
    boolean isSingle = form == BatchCollector.Form.SINGLE;
    boolean withBodies = !call.isHead() && (isSingle || !query.options().onlyMetadata());
    TransferLimits wanted = query.options().condition().transfer();
    if (query.isExtended()) {
      // Extensions read content in any case, so it is sent although only metadata was asked for.
      var made = new ItemCollector(context, bucket, form, call.isHead(), wanted, call::countEgress);
      read(call, query, made, made, isSingle);
    } else {
      var found = new BatchCollector(context, sender, form, withBodies, wanted, call::countEgress);
      read(call, query, found, found, isSingle);
    }
  }

  private void read(Call call, Query query, ReadSink sink, BatchAnswer batch, boolean isSingle) {
    var reading = new AtomicReference<Query.@Nullable Read>();
    Query.Read read =
        query.read(
            sink,
            context.config.io().read(),
            isSingle,
            task -> call.block(ex -> collect(ex, reading, task)),
            outcome -> answer(call, batch, outcome));
    reading.set(read);
    call.exchange().onEnd(read::cancel);
    if (!call.token().isUpToDate()) {
      // Tokens changed before the read was there to be told.
      context.queries.stopWaitingOf(call.token().owner());
    }
  }

  /** Collects, unless the client left while its read waited: the records would be lost. */
  private static void collect(
      Exchange exchange, AtomicReference<Query.@Nullable Read> reading, Runnable task) {
    Query.Read read = reading.get();
    if (read != null && exchange.isClientGone()) {
      read.cancel();
    } else {
      task.run();
    }
  }

  private static void answer(Call call, BatchAnswer batch, ReadOutcome outcome) {
    try (batch) {
      call.confirm();
      switch (outcome) {
        case ReadOutcome.Batch(boolean last) -> batch.send(call, last);
        case ReadOutcome.Nothing() -> call.respond(Response.error(204, "No content"));
        case ReadOutcome.Failed(PannierException error) -> call.fail(error);
      }
    } catch (PannierException refused) {
      call.fail(refused);
    }
  }
}
