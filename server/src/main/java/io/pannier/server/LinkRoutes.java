package io.pannier.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.Json;
import io.pannier.query.Queries;
import io.pannier.query.QueryOptions;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.server.access.Access;
import io.pannier.server.http.Response;
import io.pannier.server.http.ResponseStream;
import io.pannier.server.links.ByteRange;
import io.pannier.server.links.Link;
import io.pannier.server.links.Seal;
import io.pannier.store.Bucket;
import io.pannier.store.StoredRecord;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/** Links to single records that open without a token (http-api.md §16). */
final class LinkRoutes {
  private final Context context;
  private final RecordSender sender;

  LinkRoutes(Context context) {
    this.context = context;
    sender = new RecordSender(context);
  }

  void create(Call call) {
    call.receiveText(text -> {
      ObjectNode body = Json.object(text);
      Link link = Link.parse(body);
      call.token().require(Access.READ, link.bucket());
      String base =
          Link.baseUrl(body)
              .or(() -> context.config.publicUrl())
              .map(URI::toString)
              .orElseGet(() -> ownUrl(call));
      String issuer = call.token().name();
      Seal seal =
          Seal.of(link, issuer, context.tokens().sealingKey(issuer), context.config.random());
      String url =
          (base.endsWith("/") ? base : base + "/")
              + "api/v1/links/"
              + urlEncoded(fileName(call)).replace("%2F", "/")
              + "?ct="
              + seal.ct()
              + "&s="
              + seal.s()
              + "&i="
              + urlEncoded(seal.i())
              + "&n="
              + seal.n();
      call.respond(JsonText.object(json -> json.writeStringField("link", url)));
    });
  }

  void open(Call call) {
    var seal =
        new Seal(
            required(call, "ct"), required(call, "s"), required(call, "n"), required(call, "i"));
    byte[] key = context.tokens().sealingKey(seal.i());
    Link sealed = seal.open(key);
    long nowSeconds = TimeUnit.MICROSECONDS.toSeconds(context.config.clock().wallMicros());
    if (Long.compareUnsigned(nowSeconds, sealed.expireAt()) >= 0) {
      throw new PannierException.Invalid("Query link has expired");
    }
    context.tokens().requireIssuer(seal.i(), sealed.bucket());
    Link link =
        sealed.redirected(
            Optional.ofNullable(call.parameter("e")), Optional.ofNullable(call.parameter("ts")));
    call.block(ex -> send(call, link, () -> isGood(seal, key, sealed)));
  }

  /** Whether the token that made the link still has the same value, and may still read. */
  private boolean isGood(Seal seal, byte[] key, Link sealed) {
    try {
      context.tokens().requireIssuer(seal.i(), sealed.bucket());
      return MessageDigest.isEqual(key, context.tokens().sealingKey(seal.i()));
    } catch (PannierException ended) {
      return false;
    }
  }

  private void send(Call call, Link link, BooleanSupplier isGood) {
    QueryOptions options = QueryOptions.parse(link.query());
    boolean namesEntries = !options.entries().orElse(List.of()).isEmpty();
    if (Queries.asksForExtensions(options, link.query())) {
      sendMade(call, link, options, namesEntries, isGood);
      return;
    }
    String entryName = namesEntries ? link.recordEntry() : link.entry();
    StoredRecord record =
        context
            .store()
            .bucket(link.bucket())
            .findEntry(entryName)
            .filter(entry -> entryName.equals(link.recordEntry()))
            .flatMap(entry -> Queries.chosen(entry, link.recordTimestamp(), options))
            .orElseThrow(() -> notFound(link));
    StoredRecord shown =
        options.condition().selectedLabels().map(record::withLabels).orElse(record);
    Part part = Part.of(call, record.length());
    Response head = part.head(status -> RecordHeaders.head(status, shown));
    if (part.isNone()) {
      call.respond(head);
      return;
    }
    sender.sendPart(call, record, head, part.from(), part.to(), isGood);
  }

  private static PannierException.NotFound notFound(Link link) {
    return new PannierException.NotFound(
        "Record "
            + link.recordEntry()
            + "/"
            + Timestamp.toString(link.recordTimestamp())
            + " not found in query result");
  }

  /** Sends what extensions made: the whole query runs until it is there. */
  private void sendMade(
      Call call, Link link, QueryOptions options, boolean namesEntries, BooleanSupplier isGood) {
    Bucket bucket = context.store().bucket(link.bucket());
    Item item =
        context
            .queries
            .made(
                "link",
                bucket,
                namesEntries || link.entry().isEmpty() ? null : bucket.entry(link.entry()),
                options,
                link.query(),
                link.recordEntry(),
                link.recordTimestamp(),
                TimeUnit.MILLISECONDS.toNanos(context.config.io().operationMillis()))
            .orElseThrow(() -> notFound(link));
    try (Body body = item.body()) {
      Part part = Part.of(call, body.length());
      Response head = part.head(status -> RecordHeaders.head(status, item));
      if (part.isNone() || part.from() == part.to()) {
        call.respond(head);
      } else if (call.isHead()) {
        call.respond(head.contentLength(part.to() - part.from()));
      } else {
        call.countEgress(part.to() - part.from());
        try (ResponseStream out =
            call.exchange().startResponse(call.head(head.contentLength(part.to() - part.from())))) {
          if (ItemCollector.copy(context, isGood, body, part.from(), part.to(), out)) {
            ItemCollector.count(context, bucket, item, part.to() - part.from());
          }
        }
      }
    }
  }

  /**
   * What is wanted of a body.
   *
   * @param range the bytes that were asked for; empty: all
   * @param isNone whether they lie outside of it
   */
  private record Part(long length, Optional<ByteRange> range, boolean isNone) {
    static Part of(Call call, long length) {
      String range = call.exchange().header("range");
      try {
        return new Part(
            length, range == null ? Optional.empty() : ByteRange.parse(range, length), false);
      } catch (ByteRange.Unsatisfiable none) {
        return new Part(length, Optional.empty(), true);
      }
    }

    Response head(IntFunction<Response> made) {
      if (isNone) {
        return made.apply(416)
            .header("accept-ranges", "bytes")
            .header("content-range", "bytes */" + length);
      }
      Response head = made.apply(range.isPresent() ? 206 : 200).header("accept-ranges", "bytes");
      range.ifPresent(bytes ->
          head.header(
              "content-range", "bytes " + bytes.from() + "-" + (bytes.to() - 1) + "/" + length));
      return head;
    }

    long from() {
      return range.map(ByteRange::from).orElse(0L);
    }

    long to() {
      return range.map(ByteRange::to).orElse(length);
    }
  }

  /** The path behind {@code links/}, which is the name of the download. */
  private static String fileName(Call call) {
    return call.entry().isEmpty() ? call.bucket() : call.bucket() + "/" + call.entry();
  }

  /** Where the client reached this server. */
  private String ownUrl(Call call) {
    String host = call.exchange().header("host");
    return (context.config.tls().isPresent() ? "https://" : "http://")
        + (host == null ? context.config.host() + ":" + context.config.port() : host)
        + context.config.basePath();
  }

  private static String urlEncoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static String required(Call call, String name) {
    String value = call.parameter(name);
    if (value == null) {
      throw new PannierException.Invalid("Missing '" + name + "' parameter");
    }
    return value;
  }
}
