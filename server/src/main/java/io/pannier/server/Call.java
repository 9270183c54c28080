package io.pannier.server;

import io.pannier.model.PannierException;
import io.pannier.server.access.Access;
import io.pannier.server.access.Caller;
import io.pannier.server.http.BlockingHandler;
import io.pannier.server.http.BodyConsumer;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.Bucket;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way through a route: the exchange, what its path named, who calls. Every answer
 * goes through {@link #respond} or {@link #fail}, so that each has the headers that all have.
 */
final class Call {
  private final Exchange exchange;
  private final Context context;
  private final Cors cors;
  private final Caller token;
  private final String name;
  private final String entry;

  /** What the caller must be allowed to, for the request to go on. */
  private volatile Access access;

  /** What the path names, once it was looked up: it may get another name meanwhile. */
  private volatile @Nullable Bucket bucket;

  /**
   * @param access what was checked
   * @param name bucket, or whatever the path names behind its first segment; decoded
   * @param entry what follows, without the suffix of the route; decoded
   */
  Call(
      Exchange exchange,
      Context context,
      Cors cors,
      Caller token,
      Access access,
      String name,
      String entry) {
    this.exchange = exchange;
    this.context = context;
    this.cors = cors;
    this.token = token;
    this.access = access;
    this.name = name;
    this.entry = entry;
  }

  Exchange exchange() {
    return exchange;
  }

  /** Who calls. */
  Caller token() {
    return token;
  }

  /**
   * Refuses what the caller may not do with the bucket of the path, where only the body tells what
   * is wanted.
   */
  void require(Access wanted) {
    token.require(wanted, name);
    access = wanted;
    confirm();
  }

  /**
   * Makes sure that the caller still may: a token can go while a request waits for its body, for a
   * thread or for records.
   */
  void confirm() {
    Bucket found = bucket;
    token.confirm(access, found == null ? name : found.name());
  }

  /** Whether {@link #confirm} passes. */
  boolean isStillAllowed() {
    try {
      confirm();
      return true;
    } catch (PannierException refused) {
      return false;
    }
  }

  /** Takes note of the bucket that the path names, and makes sure that it is still the caller's. */
  void found(Bucket theBucket) {
    bucket = theBucket;
    confirm();
  }

  /** Counts bytes of records that the client is about to send; refuses when they are too many. */
  void countIngress(long bytes) {
    if (context.limiter.countsIngress()) {
      context.limiter.ingress(context.client(exchange), bytes);
    }
  }

  /** Counts bytes of records that are about to be sent; refuses when they are too many. */
  void countEgress(long bytes) {
    if (context.limiter.countsEgress()) {
      context.limiter.egress(context.client(exchange), bytes);
    }
  }

  /** The bucket that the path names. */
  String bucket() {
    return name;
  }

  /** The replication that the path names. */
  String replication() {
    return name;
  }

  /** The entry that the path names. */
  String entry() {
    return entry;
  }

  boolean isHead() {
    return exchange.method().equals("HEAD");
  }

  /**
   * A parameter behind the question mark, decoded; of a repeated one the last; null when it is not
   * there.
   */
  @Nullable String parameter(String wanted) {
    String query = exchange.query();
    String found = null;
    int from = 0;
    while (from < query.length()) {
      int and = query.indexOf('&', from);
      int end = and < 0 ? query.length() : and;
      int equals = query.indexOf('=', from);
      int nameEnd = equals < 0 || equals > end ? end : equals;
      if (isNamed(query, from, nameEnd, wanted)) {
        found = nameEnd == end ? "" : formDecode(query.substring(nameEnd + 1, end));
      }
      from = end + 1;
    }
    return found;
  }

  /** Parameters whose names begin so, by the rest of their names, decoded. */
  Map<String, String> parameters(String prefix) {
    var found = new LinkedHashMap<String, String>();
    for (String part : exchange.query().split("&", -1)) {
      int equals = part.indexOf('=');
      String name = formDecode(equals < 0 ? part : part.substring(0, equals));
      if (name.startsWith(prefix)) {
        found.put(
            name.substring(prefix.length()),
            equals < 0 ? "" : formDecode(part.substring(equals + 1)));
      }
    }
    return found;
  }

  private static boolean isNamed(String query, int from, int to, String wanted) {
    if (to - from == wanted.length() && query.startsWith(wanted, from)) {
      return true;
    }
    return to - from > wanted.length() && formDecode(query.substring(from, to)).equals(wanted);
  }

  private static String formDecode(String text) {
    if (text.indexOf('%') < 0 && text.indexOf('+') < 0) {
      return text;
    }
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  /** Answers. */
  void respond(Response response) {
    exchange.respond(cors.isOff() ? response : cors.allow(response, exchange.header("origin")));
  }

  /** The head of an answer that is streamed. */
  Response head(Response response) {
    return cors.isOff() ? response : cors.allow(response, exchange.header("origin"));
  }

  /** Answers with the error. */
  void fail(PannierException error) {
    respond(Errors.response(error));
  }

  /** Goes on with blocking code on a worker. */
  void block(BlockingHandler handler) {
    exchange.block(ex -> {
      try {
        handler.handle(ex);
      } catch (PannierException e) {
        fail(e);
      }
    });
  }

  /** Gathers the body and goes on with it on the event loop. */
  void receive(int maxBytes, BodyConsumer consumer) {
    exchange.receiveWhole(
        maxBytes,
        body -> {
          try {
            confirm();
            consumer.accept(body);
          } catch (PannierException e) {
            fail(e);
          }
        });
  }

  /** Gathers a short body as an array and goes on with it on a worker. */
  void receiveText(TextConsumer consumer) {
    receive(
        TEXT_MAX,
        body -> {
          byte[] text = new byte[body.remaining()];
          body.get(text);
          block(ex -> consumer.accept(text));
        });
  }

  /** Longest body that is not a record. */
  private static final int TEXT_MAX = 1 << 20;

  /** Takes a body that arrived whole, where blocking is allowed. */
  @FunctionalInterface
  interface TextConsumer {
    void accept(byte[] text) throws Exception;
  }
}
