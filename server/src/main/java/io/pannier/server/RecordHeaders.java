package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.ext.Item;
import io.pannier.server.http.Exchange;
import io.pannier.server.http.Response;
import io.pannier.store.StoredRecord;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What single-record requests and answers carry in their headers, and lengths, which all writing
 * requests announce.
 */
final class RecordHeaders {
  private static final String LABEL = "x-reduct-label-";

  private RecordHeaders() {}

  /** The labels of a single-record request. An empty value is a value. */
  static Labels labels(Exchange exchange) {
    Labels.Builder labels = null;
    int count = exchange.headerCount();
    for (int i = 0; i < count; i++) {
      String name = exchange.headerName(i);
      if (name.startsWith(LABEL)) {
        String value = HeaderText.value(exchange, i);
        if (value == null) {
          throw new PannierException.Invalid(
              "Label values for " + name + " must be valid UTF-8 strings");
        }
        if (labels == null) {
          labels = new Labels.Builder();
        }
        labels.set(name.substring(LABEL.length()), value);
      }
    }
    return labels == null ? Labels.EMPTY : labels.build();
  }

  /**
   * The content type to store; empty when the request has none. Batches have no place for a comma
   * in it.
   */
  static String contentType(Exchange exchange) {
    String type = exchange.header("content-type");
    if (type == null) {
      return "";
    }
    int comma = type.indexOf(',');
    return comma < 0 ? type : type.substring(0, comma);
  }

  /** Length of the body as it will be stored; empty when the request does not say. */
  static OptionalLong announcedLength(Exchange exchange) {
    String coding = exchange.header("content-encoding");
    boolean isPlain = coding == null || coding.equalsIgnoreCase("identity");
    if (isPlain && !exchange.isChunked() && exchange.header("content-length") != null) {
      return OptionalLong.of(exchange.contentLength());
    }
    String text = exchange.header("x-reduct-content-length");
    if (text == null) {
      return OptionalLong.empty();
    }
    try {
      long length = Timestamp.parse(text.strip());
      if (length >= 0) {
        return OptionalLong.of(length);
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new PannierException.Invalid("x-reduct-content-length header must be a number");
  }

  /** The store that the records of a request are copied from; what is no id counts as none. */
  static Optional<UUID> origin(Exchange exchange) {
    String text = exchange.header("x-pannier-origin");
    try {
      return text == null ? Optional.empty() : Optional.of(UUID.fromString(text));
    } catch (IllegalArgumentException malformed) {
      return Optional.empty();
    }
  }

  /** {@link #announcedLength} where it is needed. */
  static long requiredLength(Exchange exchange) {
    OptionalLong length = announcedLength(exchange);
    if (length.isEmpty()) {
      throw new PannierException.Invalid("content-length header is required");
    }
    return length.getAsLong();
  }

  /** Parses the parameter {@code ts}. */
  static long timestamp(@Nullable String text) {
    if (text == null) {
      throw new PannierException.Invalid("'ts' parameter is required");
    }
    try {
      return Timestamp.parse(text);
    } catch (NumberFormatException e) {
      throw new PannierException.Invalid("'ts' must be an unix timestamp in microseconds");
    }
  }

  /** Parses a query id, which has another text for each protocol when it is not one. */
  static long queryId(String text, String otherwise) {
    try {
      return Timestamp.parse(text);
    } catch (NumberFormatException e) {
      throw new PannierException.Invalid(otherwise);
    }
  }

  /** The head of an answer that carries one record. */
  static Response head(StoredRecord record) {
    return head(200, record);
  }

  /** The same with another status. */
  static Response head(int status, StoredRecord record) {
    Response head = Response.of(status);
    Labels labels = record.labels();
    for (int i = 0; i < labels.size(); i++) {
      head.header(LABEL + lowerCase(labels.name(i)), labels.value(i));
    }
    // Never shown by a browser as a page of ours; it takes the name of the file from the URL.
    return head.header("content-type", record.contentType())
        .header("content-disposition", "attachment")
        .header("x-reduct-time", Timestamp.toString(record.timestamp()))
        .header("x-reduct-entry", record.entry().name());
  }

  /**
   * The head of an answer that carries one item of extensions. A field's name has no {@code @}, so
   * computed labels have {@code %40} in front.
   */
  static Response head(int status, Item item) {
    Response head = Response.of(status);
    Labels labels = ItemCollector.withComputed(item.labels(), item.computed());
    for (int i = 0; i < labels.size(); i++) {
      String name = labels.name(i);
      head.header(
          LABEL + lowerCase(name.startsWith("@") ? HeaderText.percentEncode(name) : name),
          labels.value(i));
    }
    return head.header("content-type", BatchV1.contentTypeForBatch(item.contentType()))
        .header("content-disposition", "attachment")
        .header("x-reduct-time", Timestamp.toString(item.timestamp()))
        .header("x-reduct-entry", item.entry());
  }

  private static String lowerCase(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if ((c >= 'A' && c <= 'Z') || c >= 0x80) {
        return name.toLowerCase(Locale.ROOT);
      }
    }
    return name;
  }
}
