package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Record headers of batch protocol v1 (http-api.md §10.1): {@code x-reduct-time-<time>:
 * length,[content type][,name=value]…}.
 */
final class BatchV1 {
  static final String TIME = "x-reduct-time-";
  static final String ERROR = "x-reduct-error-";
  static final String DEFAULT_CONTENT_TYPE = "application/octet-stream";

  private final BatchRequest.Purpose purpose;
  private final List<BatchItem> items = new ArrayList<>();
  private boolean isOrdered = true;

  BatchV1(BatchRequest.Purpose purpose) {
    this.purpose = purpose;
  }

  /**
   * Takes one header of the request.
   *
   * @param name in lower case
   */
  void header(String name, String value) {
    if (!name.startsWith(TIME)) {
      return;
    }
    long timestamp;
    try {
      timestamp = Timestamp.parse(name.substring(TIME.length()));
    } catch (NumberFormatException e) {
      throw new PannierException.Invalid(
          "Invalid header '" + name + "': must be an unix timestamp in microseconds");
    }
    if (!items.isEmpty() && Timestamp.isBefore(timestamp, items.getLast().timestamp())) {
      isOrdered = false;
    }
    items.add(
        purpose == BatchRequest.Purpose.REMOVE
            ? new BatchItem(0, timestamp, 0, "", Labels.EMPTY)
            : parse(timestamp, value));
  }

  private static BatchItem parse(long timestamp, String value) {
    int comma = value.indexOf(',');
    if (comma < 0) {
      throw LabelItems.malformed();
    }
    long length = length(value, comma);
    int end = value.indexOf(',', comma + 1);
    if (end < 0) {
      return new BatchItem(
          0, timestamp, length, HeaderText.trim(value, comma + 1, value.length()), Labels.EMPTY);
    }
    var labels = new Labels.Builder();
    var items = new LabelItems(value, end + 1);
    while (items.next()) {
      labels.set(items.name(), items.value());
    }
    return new BatchItem(
        0, timestamp, length, HeaderText.trim(value, comma + 1, end), labels.build());
  }

  private static long length(String value, int end) {
    try {
      long length = Timestamp.parse(HeaderText.trim(value, 0, end));
      if (length >= 0) {
        return length;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw new PannierException.Invalid("Invalid content length");
  }

  /** The request, when all headers were taken. */
  BatchRequest request(String entry) {
    if (!isOrdered) {
      items.sort(Comparator.comparing(BatchItem::timestamp, Timestamp::compare));
    }
    return new BatchRequest(List.of(entry), 0, items);
  }

  /** Name of the header of a record in an answer. */
  static String recordHeader(long timestamp) {
    return TIME + Timestamp.toString(timestamp);
  }

  /** Value of the header of a record in an answer. */
  static String recordValue(long length, String contentType, Labels labels) {
    var out = new StringBuilder(48);
    out.append(length).append(',').append(contentTypeForBatch(contentType));
    for (int i = 0; i < labels.size(); i++) {
      LabelItems.append(out, labels.name(i), labels.value(i));
    }
    return out.toString();
  }

  /** The grammar has no place for a comma in a content type. */
  static String contentTypeForBatch(String contentType) {
    int comma = contentType.indexOf(',');
    String safe = comma < 0 ? contentType : contentType.substring(0, comma);
    return safe.isEmpty() ? DEFAULT_CONTENT_TYPE : safe;
  }
}
