package io.pannier.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Calls of a store's HTTP API. Any thread. */
final class Api implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String TIME = "x-reduct-time-";
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private final HttpClient client;
  private final String base;
  private final String token;

  Api(String url, String token, SSLContext trust) {
    this.base = url + "/api/v1/";
    this.token = token;
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(trust).build();
  }

  /** Trusts this authority and no other. */
  static SSLContext trusting(X509Certificate authority) throws IOException {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry("ca", authority);
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, factory.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException impossible) {
      throw new IOException("this Java has no TLS", impossible);
    }
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return JSON.readTree(send("GET", path, "", new byte[0], Map.of()).body());
  }

  /** Sends JSON; answers JSON or a missing node. */
  JsonNode send(String method, String path, Object json) throws IOException, InterruptedException {
    byte[] body = JSON.writeValueAsBytes(json);
    return JSON.readTree(send(method, path, "application/json", body, Map.of()).body());
  }

  void write(
      String bucket,
      String entry,
      long timestamp,
      Map<String, String> labels,
      String type,
      byte[] body)
      throws IOException, InterruptedException {
    send("POST", "b/" + bucket + "/" + entry + "?ts=" + timestamp, type, body, labels);
  }

  void relabel(String bucket, String entry, long timestamp, Map<String, String> labels)
      throws IOException, InterruptedException {
    send("PATCH", "b/" + bucket + "/" + entry + "?ts=" + timestamp, "", new byte[0], labels);
  }

  private HttpResponse<byte[]> send(
      String method, String path, String type, byte[] body, Map<String, String> labels)
      throws IOException, InterruptedException {
    var request = request(path);
    request.method(
        method,
        body.length == 0 && method.equals("GET")
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofByteArray(body));
    if (!type.isEmpty()) {
      request.header("content-type", type);
    }
    labels.forEach((name, value) -> request.header("x-reduct-label-" + name, value));
    return checked(client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray()), path);
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(base + path))
        .timeout(TIMEOUT)
        .header("authorization", "Bearer " + token);
  }

  private static <T> HttpResponse<T> checked(HttpResponse<T> response, String path)
      throws IOException {
    if (response.statusCode() >= 300) {
      throw new IOException(
          response.uri().getPath()
              + " answers "
              + response.statusCode()
              + " "
              + response.headers().firstValue("x-reduct-error").orElse("to " + path));
    }
    return response;
  }

  /**
   * Reads the records of a bucket and tells a digest of each.
   *
   * @param condition of the query; a missing one takes all
   * @param seen takes entry, time, content type, labels and digest, in one line
   */
  void digests(String bucket, Map<String, ?> condition, Consumer<String> seen)
      throws IOException, InterruptedException {
    for (JsonNode entry : get("b/" + bucket).path("entries")) {
      String path = "b/" + bucket + "/" + entry.path("name").asText();
      var query =
          condition.isEmpty()
              ? Map.of("query_type", "QUERY")
              : Map.of("query_type", "QUERY", "when", condition);
      String id = send("POST", path + "/q", query).path("id").asText();
      while (batch(path, entry.path("name").asText(), id, seen)) {
        // The next one.
      }
    }
  }

  /** Reads a batch; false if there was none any more. */
  private boolean batch(String path, String entry, String id, Consumer<String> seen)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        client.send(
            request(path + "/batch?q=" + id).GET().build(),
            HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = checked(response, path).body()) {
      if (response.statusCode() == 204) {
        return false;
      }
      var records = new TreeMap<Long, String>();
      response
          .headers()
          .map()
          .forEach((name, values) -> {
            if (name.startsWith(TIME)) {
              records.put(Long.parseLong(name.substring(TIME.length())), values.getFirst());
            }
          });
      for (var record : records.entrySet()) {
        String value = record.getValue();
        int comma = value.indexOf(',');
        int length = Integer.parseInt(value.substring(0, comma));
        byte[] bytes = body.readNBytes(length);
        if (bytes.length < length) {
          throw new IOException("the answer to " + path + " ends in a record");
        }
        seen.accept(line(entry, record.getKey(), value.substring(comma + 1), bytes));
      }
      return !records.isEmpty();
    }
  }

  /** A record in one line: place, content type and labels as a batch has them, digest. */
  private static String line(String entry, long timestamp, String typeAndLabels, byte[] body) {
    String[] parts = typeAndLabels.split(",", -1);
    java.util.Arrays.sort(parts, 1, parts.length);
    return entry + " " + timestamp + " " + String.join(",", parts) + " " + sha256(body);
  }

  /** SHA-256 in hexadecimal digits. */
  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("every Java has SHA-256", impossible);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
