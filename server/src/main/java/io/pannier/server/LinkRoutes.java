package io.pannier.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.Json;
import io.pannier.query.Queries;
import io.pannier.query.QueryOptions;
import io.pannier.server.access.Access;
import io.pannier.server.http.Response;
import io.pannier.server.links.ByteRange;
import io.pannier.server.links.Link;
import io.pannier.server.links.Seal;
import io.pannier.store.StoredRecord;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

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
    String entryName = namesEntries ? link.recordEntry() : link.entry();
    StoredRecord record =
        context
            .store()
            .bucket(link.bucket())
            .findEntry(entryName)
            .filter(entry -> entryName.equals(link.recordEntry()))
            .flatMap(entry -> Queries.chosen(entry, link.recordTimestamp(), options, link.query()))
            .orElseThrow(() ->
                new PannierException.NotFound(
                    "Record "
                        + link.recordEntry()
                        + "/"
                        + Timestamp.toString(link.recordTimestamp())
                        + " not found in query result"));
    StoredRecord shown =
        options.condition().selectedLabels().map(record::withLabels).orElse(record);
    String range = call.exchange().header("range");
    Optional<ByteRange> part;
    try {
      part = range == null ? Optional.empty() : ByteRange.parse(range, record.length());
    } catch (ByteRange.Unsatisfiable none) {
      call.respond(
          RecordHeaders.head(416, shown)
              .header("accept-ranges", "bytes")
              .header("content-range", "bytes */" + record.length()));
      return;
    }
    Response head =
        RecordHeaders.head(part.isPresent() ? 206 : 200, shown).header("accept-ranges", "bytes");
    part.ifPresent(bytes ->
        head.header(
            "content-range",
            "bytes " + bytes.from() + "-" + (bytes.to() - 1) + "/" + record.length()));
    sender.sendPart(
        call,
        record,
        head,
        part.map(ByteRange::from).orElse(0L),
        part.map(ByteRange::to).orElse(record.length()),
        isGood);
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
