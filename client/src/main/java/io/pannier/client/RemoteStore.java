package io.pannier.client;

import io.pannier.model.Labels;
import io.pannier.model.Timestamp;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A store somewhere else, spoken to over one connection that is made when it is needed. One thread
 * at a time, except {@link #closeIfStalled} and {@link #close}. Every call throws {@link
 * ClientException}.
 */
public final class RemoteStore implements AutoCloseable {
  private static final String LABEL = "x-reduct-label-";
  private static final String TIME = "x-reduct-time-";
  private static final String ERROR = "x-reduct-error-";

  /** Asks a Pannier store for the CRC32C of a body, and carries it. */
  private static final String CHECKSUM = "x-pannier-crc32c";

  /** Asks a Pannier store for its id, and carries it. */
  private static final String STORE = "x-pannier-store";

  /** What a Pannier store can do beyond the reference; answered with its id. */
  private static final String CAPABILITIES = "x-pannier-capabilities";

  /** Bytes that a store has of an upload. */
  private static final String OFFSET = "x-pannier-upload-offset";

  private final ClientOptions options;
  private final String prefix;
  private volatile @Nullable HttpLink link;

  /** Connects with the first call. */
  public RemoteStore(ClientOptions options) {
    this.options = options;
    String path = options.base().getRawPath();
    prefix = (path == null ? "" : path.replaceAll("/+$", "")) + "/api/v1/";
  }

  /** What the store says about itself when asked for a bucket; empty when there is no such one. */
  public Optional<RemoteServer> findBucket(String bucket) {
    HttpAnswer answer = send(request("GET", "b/" + bucket).header(STORE, "wanted"));
    if (answer.status() == 404 && answer.header("x-reduct-error") != null) {
      return Optional.empty();
    }
    return Optional.of(server(successful(answer)));
  }

  private static RemoteServer server(HttpAnswer answer) {
    String api = answer.header("x-reduct-api");
    int minor = 0;
    if (api != null && api.startsWith("1.")) {
      try {
        minor = Integer.parseInt(api.substring(2));
      } catch (NumberFormatException unknown) {
        minor = 0;
      }
    }
    String capabilities = answer.header(CAPABILITIES);
    return new RemoteServer(
        minor,
        Optional.ofNullable(answer.header(STORE)),
        capabilities != null && List.of(capabilities.split(", *")).contains("uploads"));
  }

  /** Creates a bucket with the settings that are usual there; one that is there is left alone. */
  public void createBucket(String bucket) {
    HttpAnswer answer = send(request("POST", "b/" + bucket));
    if (answer.status() != 409) {
      successful(answer);
    }
  }

  /** Whether a batch can carry such labels; others travel alone. */
  public static boolean fitsBatch(Labels labels) {
    return LabelText.fitsBatch(labels);
  }

  /**
   * Writes records of one entry.
   *
   * @param records in ascending time
   * @param coding how the bodies are compressed on their way
   */
  public RecordErrors write(String bucket, String entry, List<Outgoing> records, Coding coding) {
    if (records.size() == 1
        && !LabelText.fitsBatch(records.getFirst().labels())
        && LabelText.fitsHeaders(records.getFirst().labels())) {
      return writeOne(bucket, entry, records.getFirst());
    }
    HttpRequest request = request("POST", "b/" + bucket + "/" + entry + "/batch");
    long length = 0;
    for (Outgoing record : records) {
      addRecord(request, record, record.body().length());
      length += record.body().length();
    }
    request.body(new Joined(records, length), coding);
    return errors(successful(send(request)));
  }

  private static void addRecord(HttpRequest request, Outgoing record, long length) {
    var value = new StringBuilder(64);
    value.append(length).append(',').append(withoutComma(record.contentType()));
    LabelText.append(value, record.labels());
    request.header(TIME + Timestamp.toString(record.timestamp()), value.toString());
  }

  private RecordErrors writeOne(String bucket, String entry, Outgoing record) {
    HttpRequest request =
        request(
            "POST", "b/" + bucket + "/" + entry + "?ts=" + Timestamp.toString(record.timestamp()));
    request.header("content-type", record.contentType());
    addLabels(request, record.labels());
    request.body(record.body(), Coding.NONE);
    return ofOne(record.timestamp(), send(request));
  }

  private static void addLabels(HttpRequest request, Labels labels) {
    for (int i = 0; i < labels.size(); i++) {
      request.header(LABEL + labels.name(i), labels.value(i));
    }
  }

  /** An error of a single record, as a batch would tell it. */
  private static RecordErrors ofOne(long timestamp, HttpAnswer answer) {
    return answer.isSuccess()
        ? RecordErrors.NONE
        : new RecordErrors(Map.of(timestamp, answer.refusal()));
  }

  /** Changes labels of records of one entry. */
  public RecordErrors update(String bucket, String entry, List<LabelUpdate> updates) {
    if (updates.size() == 1
        && !LabelText.fitsBatch(updates.getFirst().labels())
        && LabelText.fitsHeaders(updates.getFirst().labels())) {
      LabelUpdate update = updates.getFirst();
      HttpRequest request =
          request(
              "PATCH",
              "b/" + bucket + "/" + entry + "?ts=" + Timestamp.toString(update.timestamp()));
      addLabels(request, update.labels());
      return ofOne(update.timestamp(), send(request));
    }
    HttpRequest request = request("PATCH", "b/" + bucket + "/" + entry + "/batch");
    for (LabelUpdate update : updates) {
      var value = new StringBuilder(64).append("0,");
      LabelText.append(value, update.labels());
      request.header(TIME + Timestamp.toString(update.timestamp()), value.toString());
    }
    return errors(successful(send(request)));
  }

  // ---------------------------------------------------------------- uploads in parts

  /**
   * Bytes that the store has of an upload; 0 when it knows none.
   *
   * @throws ClientException.Refused with status 409 when the record is there already
   */
  public long uploaded(String bucket, String entry, long timestamp, String id) {
    HttpAnswer answer = send(request("GET", upload(bucket, entry, timestamp, id)));
    return answer.status() == 404 ? 0 : offset(successful(answer));
  }

  /**
   * Goes on with an upload, or begins one. The store keeps what arrives also when the connection
   * ends.
   *
   * @param rest its body from {@code offset} on
   * @param offset how much of it the store has
   * @param length of the whole body
   * @return how much the store has then; also where it has another part than was thought
   */
  public long append(
      String bucket,
      String entry,
      Outgoing record,
      String id,
      Body rest,
      long offset,
      long length,
      Coding coding) {
    HttpRequest request =
        request("POST", upload(bucket, entry, record.timestamp(), id) + "&offset=" + offset);
    addRecord(request, record, length);
    request.body(rest, coding);
    HttpAnswer answer = send(request);
    return answer.status() == 412 ? offset(answer) : offset(successful(answer));
  }

  /**
   * Makes a record of an upload that has arrived.
   *
   * @param checksum CRC32C of its body
   */
  public void finish(String bucket, String entry, long timestamp, String id, int checksum) {
    successful(
        send(
            request("PUT", upload(bucket, entry, timestamp, id))
                .header(CHECKSUM, HexFormat.of().toHexDigits(checksum))));
  }

  private static String upload(String bucket, String entry, long timestamp, String id) {
    return "io/"
        + bucket
        + "/upload?entry="
        + URLEncoder.encode(entry, StandardCharsets.UTF_8)
        + "&ts="
        + Timestamp.toString(timestamp)
        + "&id="
        + id;
  }

  private static long offset(HttpAnswer answer) {
    String text = answer.header(OFFSET);
    try {
      if (text != null) {
        return Long.parseLong(text);
      }
    } catch (NumberFormatException malformed) {
      throw new ClientException.Broken("malformed answer", malformed);
    }
    throw new ClientException.Broken("the store does not tell how much it has", null);
  }

  /** What the store says about a record; empty when it has none of this time. */
  public Optional<RemoteRecord> find(String bucket, String entry, long timestamp) {
    HttpAnswer answer =
        send(
            request("HEAD", "b/" + bucket + "/" + entry + "?ts=" + Timestamp.toString(timestamp))
                .header(CHECKSUM, "wanted"));
    if (answer.status() == 404) {
      return Optional.empty();
    }
    successful(answer);
    var labels = new Labels.Builder();
    for (var header : answer.headers().entrySet()) {
      if (header.getKey().startsWith(LABEL) && header.getKey().length() > LABEL.length()) {
        labels.set(header.getKey().substring(LABEL.length()), header.getValue().getFirst());
      }
    }
    String length = answer.header("content-length");
    String type = answer.header("content-type");
    String checksum = answer.header(CHECKSUM);
    try {
      return Optional.of(
          new RemoteRecord(
              length == null ? 0 : Long.parseLong(length),
              type == null ? "application/octet-stream" : type,
              labels.build(),
              checksum == null
                  ? Optional.empty()
                  : Optional.of(Integer.parseUnsignedInt(checksum, 16))));
    } catch (NumberFormatException malformed) {
      throw new ClientException.Broken("malformed answer", malformed);
    }
  }

  private static RecordErrors errors(HttpAnswer answer) {
    Map<Long, ClientException.Refused> errors = new HashMap<>();
    for (var header : answer.headers().entrySet()) {
      if (header.getKey().startsWith(ERROR)) {
        String text = header.getValue().getFirst();
        int comma = text.indexOf(',');
        try {
          errors.put(
              Timestamp.parse(header.getKey().substring(ERROR.length())),
              new ClientException.Refused(
                  Integer.parseInt(comma < 0 ? text : text.substring(0, comma)),
                  comma < 0 ? "" : text.substring(comma + 1),
                  0));
        } catch (NumberFormatException malformed) {
          throw new ClientException.Broken("malformed error of a record", malformed);
        }
      }
    }
    return errors.isEmpty() ? RecordErrors.NONE : new RecordErrors(errors);
  }

  private static HttpAnswer successful(HttpAnswer answer) {
    if (!answer.isSuccess()) {
      throw answer.refusal();
    }
    return answer;
  }

  static String withoutComma(String contentType) {
    int comma = contentType.indexOf(',');
    return comma < 0 ? contentType : contentType.substring(0, comma);
  }

  private HttpRequest request(String method, String path) {
    var request = new HttpRequest(method, prefix + path);
    options.token().ifPresent(token -> request.header("authorization", "Bearer " + token));
    if (method.equals("POST") || method.equals("PATCH")) {
      options.origin().ifPresent(store -> request.header("x-pannier-origin", store));
    }
    return request;
  }

  private HttpAnswer send(HttpRequest request) {
    HttpLink now = link;
    if (now != null && now.isReusable() && now.isUsed()) {
      try {
        return now.send(request);
      } catch (ClientException.Broken dead) {
        if (now.answerBegan()) {
          throw dead;
        }
        // The store has closed it meanwhile. All that we send may be sent twice.
      }
    }
    now = HttpLink.open(options);
    link = now;
    return now.send(request);
  }

  /** Ends a call in which nothing moves any more; to be called now and then by another thread. */
  public void closeIfStalled() {
    HttpLink now = link;
    if (now != null) {
      now.closeIfStalled(options.stallMillis());
    }
  }

  @Override
  public void close() {
    HttpLink now = link;
    if (now != null) {
      now.close();
    }
  }

  /** Bodies of records, one after the other. */
  private record Joined(List<Outgoing> records, long length) implements Body {
    @Override
    public void writeTo(OutputStream out) throws IOException {
      for (Outgoing record : records) {
        record.body().writeTo(out);
      }
    }
  }
}
