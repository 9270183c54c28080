package io.pannier.client;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Requests in the terms of the protocol, and what headers of answers say. */
final class Api {
  static final String LABEL = "x-reduct-label-";

  /** Asks a Pannier store for the CRC32C of a body, and carries it. */
  private static final String CHECKSUM = "x-pannier-crc32c";

  private static final String UNRESERVED = "-._~$";

  private final Transport transport;
  private final String prefix;
  private final int minorMax;

  /**
   * @param minorMax the API of the store is taken for no newer than 1.this
   */
  Api(Transport transport, int minorMax) {
    this.transport = transport;
    this.minorMax = minorMax;
    String path = transport.options().base().getRawPath();
    prefix = (path == null ? "" : path.replaceAll("/+$", "")) + "/api/v1/";
  }

  Transport transport() {
    return transport;
  }

  /** A request with the token. */
  HttpRequest request(String method, String path) {
    var request = new HttpRequest(method, prefix + path);
    transport
        .options()
        .token()
        .filter(token -> !token.isEmpty())
        .ifPresent(token -> request.header("authorization", "Bearer " + token));
    return request;
  }

  /** A request with a JSON body; null: without one. */
  HttpRequest request(String method, String path, @Nullable Object json) {
    HttpRequest request = request(method, path);
    if (json != null) {
      byte[] body = Json.write(json).getBytes(StandardCharsets.UTF_8);
      request.header("content-type", "application/json").body(Body.of(body), Coding.NONE);
    }
    return request;
  }

  /** Asks, and reads the answer as a JSON object. */
  Map<String, @Nullable Object> object(HttpRequest request, Repeat repeat) {
    String text = transport.ask(request, repeat).text();
    try {
      return Json.parseObject(text);
    } catch (IllegalArgumentException malformed) {
      throw new ClientException.Broken(
          "The store did not answer with JSON: " + malformed.getMessage(), malformed);
    }
  }

  /** Minor version of the API that the store speaks. */
  int minor() {
    if (transport.apiMinor() < 0) {
      transport.askAny(request("HEAD", "alive"), Repeat.ALWAYS);
    }
    if (transport.apiMinor() < 0) {
      throw new ClientException.Unsupported(
          "What answers at "
              + transport.options().base()
              + " is no store: it names no API version");
    }
    return Math.min(transport.apiMinor(), minorMax);
  }

  /**
   * Makes sure that the store is new enough.
   *
   * @throws ClientException.Unsupported when it is not
   */
  void require(int minor, String what) {
    if (minor() < minor) {
      throw new ClientException.Unsupported(
          what + " needs API 1." + minor + ", the store speaks 1." + minor());
    }
  }

  /** A name as a segment of a path. */
  static String segment(String name) {
    return encoded(name, UNRESERVED);
  }

  /** The path of an entry. */
  static String entryPath(String bucket, String entry) {
    return "b/" + segment(bucket) + "/" + encoded(entry, UNRESERVED + "/");
  }

  /** A name in a list of names in a header: bytes of tokens stay, except {@code %}. */
  static String listItem(String name) {
    return encoded(name, "!#$&'*+-.^_`|~");
  }

  private static String encoded(String text, String kept) {
    var out = new StringBuilder(text.length() + 16);
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if ((c >= 'a' && c <= 'z')
          || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9')
          || kept.indexOf(c) >= 0) {
        out.append(c);
      } else {
        out.append('%').append(Character.toUpperCase(Character.forDigit(c >> 4, 16)));
        out.append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
      }
    }
    return out.toString();
  }

  /** A request for one record; the store is asked for its checksum. */
  HttpRequest record(String method, String bucket, String entry, @Nullable Long timestamp) {
    String path = entryPath(bucket, entry);
    return request(method, timestamp == null ? path : path + "?ts=" + Timestamp.toString(timestamp))
        .header(CHECKSUM, "wanted");
  }

  /** What the headers of an answer say about the one record in it. */
  static RecordInfo recordInfo(String entry, HttpAnswer head) {
    var labels = new Labels.Builder();
    var computed = new Labels.Builder();
    head.headers()
        .forEach((name, values) -> {
          if (name.startsWith(LABEL) && name.length() > LABEL.length()) {
            String label = name.substring(LABEL.length());
            // A field's name has no @, so Pannier writes %40; others write it all the same.
            int prefix = label.startsWith("@") ? 1 : label.startsWith("%40") ? 3 : 0;
            if (prefix > 0 && label.length() > prefix) {
              computed.set(label.substring(prefix), values.getFirst());
            } else {
              labels.set(label, values.getFirst());
            }
          }
        });
    String length = head.header("content-length");
    String type = head.header("content-type");
    String timestamp = head.header("x-reduct-time");
    String checksum = head.header(CHECKSUM);
    try {
      return new RecordInfo(
          entry,
          timestamp == null ? 0 : Timestamp.parse(timestamp),
          length == null ? 0 : Long.parseLong(length),
          type == null ? "application/octet-stream" : type,
          labels.build(),
          computed.build(),
          checksum == null
              ? Optional.empty()
              : Optional.of(Integer.parseUnsignedInt(checksum, 16)));
    } catch (NumberFormatException malformed) {
      throw new ClientException.Broken("malformed answer", malformed);
    }
  }
}
