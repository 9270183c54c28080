package io.pannier.bench;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Writes a batch of records of one entry per request. Only digits change from request to request:
 * one time in the second protocol, one per record in the first.
 */
abstract sealed class BatchWorkload extends Workload {
  private final Sequence sequence;
  private final ByteBuffer body;

  private BatchWorkload(DriverOptions options, Sequence sequence) {
    super(options);
    this.sequence = sequence;
    body = payload(options.requestBytes());
  }

  static BatchWorkload of(DriverOptions options, Sequence sequence) {
    if (!options.counters.isEmpty()) {
      return new Counted(options, sequence);
    }
    return options.v2 ? new Second(options, sequence) : new First(options, sequence);
  }

  abstract String head();

  abstract void fill(RequestBuffer request, long entry, long firstTs);

  @Override
  RequestBuffer newRequest() {
    return new RequestBuffer(room(), head(), body);
  }

  /** Bytes that {@link #fill} may need before the head. */
  int room() {
    return RequestBuffer.SMALL_FRONT;
  }

  @Override
  void next(Connection connection) {
    long number = sequence.take(options.batch);
    var request = connection.request;
    request.clear();
    fill(
        request, number / options.batch % options.entries, options.firstTs + number * options.step);
    request.rewind();
    connection.response.expect(false, false);
  }

  @Override
  long records(Connection connection) {
    return (long) options.batch - connection.response.recordErrors();
  }

  @Override
  long bytes(Connection connection) {
    return records(connection) * options.size;
  }

  @Override
  long bytesToWrite() {
    return options.requestBytes();
  }

  /** Labels as a batch header wants them, each with a comma before it. */
  private static String labels(Map<String, String> labels) {
    return labels.entrySet().stream()
        .map(label -> "," + label.getKey() + "=" + label.getValue())
        .collect(Collectors.joining());
  }

  /** POST /b/BUCKET/ENTRY/batch. */
  private static final class First extends BatchWorkload {
    private static final byte[] BATCH = RequestBuffer.ascii("/batch");

    private final String head;
    private final byte[] path;
    private final int digits;
    private final int[] offsets;

    First(DriverOptions options, Sequence sequence) {
      super(options, sequence);
      digits = Long.toString(options.firstTs).length();
      offsets = new int[options.batch];
      var lines = new StringBuilder(commonHead(options));
      lines.append("content-length: ").append(options.requestBytes()).append("\r\n");
      for (int i = 0; i < options.batch; i++) {
        lines.append("x-reduct-time-");
        offsets[i] = lines.length();
        lines.append("0".repeat(digits)).append(": ").append(options.size).append(',');
        lines.append(options.contentType).append(labels(options.labels)).append("\r\n");
      }
      head = lines.append("\r\n").toString();
      path = RequestBuffer.ascii("POST " + options.base + "b/" + options.bucket + "/e");
    }

    @Override
    String head() {
      return head;
    }

    @Override
    void fill(RequestBuffer request, long entry, long firstTs) {
      long ts = firstTs;
      for (int offset : offsets) {
        request.patch(offset, digits, ts);
        ts += options.step;
      }
      prependLineEnd(request);
      request.prepend(BATCH);
      request.prepend(entry);
      request.prepend(path);
    }
  }

  /** POST /b/BUCKET/ENTRY/batch with labels that count; its headers are made anew each time. */
  private static final class Counted extends BatchWorkload {
    private static final int ROOM = 512 * 1024;

    private final String common;

    Counted(DriverOptions options, Sequence sequence) {
      super(options, sequence);
      common = commonHead(options) + "content-length: " + options.requestBytes() + "\r\n";
    }

    @Override
    int room() {
      return ROOM;
    }

    @Override
    String head() {
      return "\r\n";
    }

    @Override
    void fill(RequestBuffer request, long entry, long firstTs) {
      long first = (firstTs - options.firstTs) / options.step;
      var lines = new StringBuilder("POST ").append(options.base).append("b/");
      lines.append(options.bucket).append("/e").append(entry).append("/batch HTTP/1.1\r\n");
      lines.append(common);
      for (int i = 0; i < options.batch; i++) {
        long number = first + i;
        lines.append("x-reduct-time-").append(firstTs + i * options.step).append(": ");
        lines.append(options.size).append(',').append(options.contentType);
        lines.append(labels(options.labels));
        options.counters.forEach(
            (name, modulus) -> lines.append(',').append(name).append('=').append(number % modulus));
        lines.append("\r\n");
      }
      request.prepend(RequestBuffer.ascii(lines.toString()));
    }
  }

  /** POST /io/BUCKET/write. */
  private static final class Second extends BatchWorkload {
    private static final byte[] HEADER_END = RequestBuffer.ascii("\r\n");
    private static final byte[] ENTRIES = RequestBuffer.ascii("x-reduct-entries: e");

    private final String head;
    private final byte[] path;
    private final int digits;
    private final int offset;

    Second(DriverOptions options, Sequence sequence) {
      super(options, sequence);
      digits = Long.toString(options.firstTs).length();
      var lines = new StringBuilder(commonHead(options));
      lines.append("content-length: ").append(options.requestBytes()).append("\r\n");
      lines.append("x-reduct-start-ts: ");
      offset = lines.length();
      lines.append("0".repeat(digits)).append("\r\n");
      for (int i = 0; i < options.batch; i++) {
        lines.append("x-reduct-0-").append(i * options.step).append(": ").append(options.size);
        if (i == 0) {
          lines.append(',').append(options.contentType).append(labels(options.labels));
        }
        lines.append("\r\n");
      }
      head = lines.append("\r\n").toString();
      path = RequestBuffer.ascii("POST " + options.base + "io/" + options.bucket + "/write");
    }

    @Override
    String head() {
      return head;
    }

    @Override
    void fill(RequestBuffer request, long entry, long firstTs) {
      request.patch(offset, digits, firstTs);
      request.prepend(HEADER_END);
      request.prepend(entry);
      request.prepend(ENTRIES);
      prependLineEnd(request);
      request.prepend(path);
    }
  }
}
