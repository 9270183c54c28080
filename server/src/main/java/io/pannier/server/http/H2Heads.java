package io.pannier.server.http;

import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.ReadOnlyHttp2Headers;
import io.netty.util.AsciiString;
import io.pannier.model.Clock;
import org.jspecify.annotations.Nullable;

/** Makes the heads of HTTP/2 responses: the same fields in the same order as {@link HeadWriter}. */
final class H2Heads {
  private static final AsciiString SERVER = AsciiString.cached("server");
  private static final AsciiString API = AsciiString.cached("x-reduct-api");
  private static final AsciiString VARY = AsciiString.cached("vary");
  private static final AsciiString ORIGIN = AsciiString.cached("origin");
  private static final AsciiString EXPOSE = AsciiString.cached("access-control-expose-headers");
  private static final AsciiString ALL = AsciiString.cached("*");
  private static final AsciiString CONTENT_LENGTH = AsciiString.cached("content-length");
  private static final AsciiString REQUEST_ID = AsciiString.cached(RequestIds.HEADER);
  private static final AsciiString DATE = AsciiString.cached("date");

  /** Names and values of the fields that every response has, without length and date. */
  private static final int CONSTANT = 10;

  private final Clock clock;
  private final RequestIds ids;
  private final AsciiString serverName;
  private final AsciiString apiVersion;
  private long dateSecond = Long.MIN_VALUE;
  private AsciiString date = AsciiString.EMPTY_STRING;
  private byte[] scratch = new byte[256];

  H2Heads(HttpServerConfig config, RequestIds ids) {
    clock = config.clock();
    this.ids = ids;
    serverName = new AsciiString(config.serverName());
    apiVersion = new AsciiString(config.apiVersion());
  }

  /**
   * Makes a head.
   *
   * @param given what the client calls the request, or null
   * @param connection number of the connection
   * @param request number of the request on it
   * @param contentLength what to announce; -1 for nothing
   */
  Http2Headers of(
      Response response,
      @Nullable String given,
      long connection,
      long request,
      long contentLength) {
    int own = response.headerCount();
    var fields = new AsciiString[2 * own + CONSTANT + (contentLength < 0 ? 2 : 4)];
    int at = 0;
    for (int i = 0; i < own; i++) {
      fields[at++] = name(response.headerName(i));
      fields[at++] = value(response.headerValue(i));
    }
    fields[at++] = SERVER;
    fields[at++] = serverName;
    fields[at++] = API;
    fields[at++] = apiVersion;
    fields[at++] = VARY;
    fields[at++] = ORIGIN;
    fields[at++] = EXPOSE;
    fields[at++] = ALL;
    fields[at++] = REQUEST_ID;
    fields[at++] = given == null ? made(connection, request) : value(given);
    if (contentLength >= 0) {
      fields[at++] = CONTENT_LENGTH;
      fields[at++] = new AsciiString(Long.toString(contentLength));
    }
    fields[at++] = DATE;
    fields[at] = date();
    AsciiString status = HttpResponseStatus.valueOf(response.status()).codeAsText();
    return ReadOnlyHttp2Headers.serverHeaders(false, status, fields);
  }

  private AsciiString made(long connection, long request) {
    ensure(RequestIds.MADE_MAX);
    return copy(ids.put(connection, request, scratch, 0));
  }

  private AsciiString name(String text) {
    ensure(text.length());
    return copy(HeadWriter.putName(text, scratch, 0));
  }

  private AsciiString value(String text) {
    ensure(text.length() * 3);
    return copy(HeadWriter.putValue(text, scratch, 0));
  }

  private AsciiString copy(int length) {
    return new AsciiString(scratch, 0, length, true);
  }

  private void ensure(int length) {
    if (scratch.length < length) {
      scratch = new byte[length];
    }
  }

  private AsciiString date() {
    long second = Math.floorDiv(clock.wallMicros(), 1_000_000L);
    if (second != dateSecond) {
      dateSecond = second;
      date = new AsciiString(HeadWriter.date(second));
    }
    return date;
  }
}
