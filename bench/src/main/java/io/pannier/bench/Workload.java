package io.pannier.bench;

import java.nio.ByteBuffer;

/**
 * What the connections do. An operation is one request or several in a row; of each the workload
 * fills the request buffer of a connection and then looks at the response.
 */
abstract class Workload {
  private static final byte[] LINE_END = RequestBuffer.ascii(" HTTP/1.1\r\n");

  final DriverOptions options;

  Workload(DriverOptions options) {
    this.options = options;
  }

  /** A request buffer for a new connection, with the fixed part of the requests. */
  abstract RequestBuffer newRequest();

  /** Fills in the first request of the connection's next operation. */
  abstract void next(Connection connection);

  /**
   * Looks at the response to the last request, whose status is below 400.
   *
   * @return whether the operation is over; if not, the next request is filled in
   */
  boolean received(Connection connection) {
    return true;
  }

  /** What is wrong with the finished operation, although its status is not; empty if nothing. */
  String wrong(Connection connection) {
    return connection.response.differs() ? "the content is not what was written" : "";
  }

  /** Records that the finished operation wrote or read. */
  abstract long records(Connection connection);

  /** Bytes of payload that the finished operation wrote or read. */
  abstract long bytes(Connection connection);

  /** Bytes of payload that the next operation will write; 0 if it reads. */
  long bytesToWrite() {
    return 0;
  }

  /** Time from the beginning of the finished operation to its first record in ns; -1 if none. */
  long firstRecordNanos(Connection connection) {
    return -1;
  }

  /** Header lines that every request has, without the empty line. */
  static String commonHead(DriverOptions options) {
    String authorization =
        options.token.isEmpty() ? "" : "authorization: Bearer " + options.token + "\r\n";
    return "host: " + options.host + ":" + options.port + "\r\n" + authorization;
  }

  static void prependLineEnd(RequestBuffer request) {
    request.prepend(LINE_END);
  }

  /** The workload that these options name. */
  static Workload of(DriverOptions options, Sequence sequence) {
    if (options.s3) {
      return new S3Workload(options, sequence);
    }
    return switch (options.workload) {
      case "write" -> new WriteWorkload(options, sequence);
      case "write-batch" -> BatchWorkload.of(options, sequence);
      case "read" -> new ReadWorkload(options);
      case "query" -> new QueryWorkload(options);
      case "list" -> new FixedWorkload(options, "GET", "list");
      case "alive" -> new FixedWorkload(options, "HEAD", "alive");
      default -> throw new IllegalArgumentException(options.workload);
    };
  }

  /** Numbers the records that are written; shared by all connections and all phases. */
  static final class Sequence {
    private long next;

    /** Takes so many numbers and returns the first. */
    long take(int count) {
      long first = next;
      next += count;
      return first;
    }

    /** How many were taken. */
    long taken() {
      return next;
    }
  }

  /** Pseudo-random numbers that are the same in every run (splitmix64). */
  static final class Scatter {
    private long state;

    Scatter(long seed) {
      state = seed;
    }

    long nextLong() {
      state += 0x9e3779b97f4a7c15L;
      long z = (state ^ (state >>> 30)) * 0xbf58476d1ce4e5b9L;
      z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
      return z ^ (z >>> 31);
    }

    /** A number from 0 to bound - 1. */
    long below(long bound) {
      return Math.unsignedMultiplyHigh(nextLong(), bound);
    }
  }

  /** So many bytes that do not compress, the same in every run. */
  static ByteBuffer payload(int bytes) {
    var buffer = ByteBuffer.allocateDirect((bytes + 7) & ~7);
    var scatter = new Scatter(20251121);
    while (buffer.hasRemaining()) {
      buffer.putLong(scatter.nextLong());
    }
    return buffer.flip().limit(bytes);
  }

  /**
   * What single records hold: the same payload, or, when content is verified, one of 61 windows of
   * a longer one.
   */
  static final class Contents {
    private static final int WINDOWS = 61;

    private final ByteBuffer payload;
    private final int size;

    Contents(DriverOptions options) {
      size = options.size;
      payload = payload(size + (options.verify ? WINDOWS * 8 : 0));
    }

    /** The content of the record with this number. */
    ByteBuffer of(long number) {
      return payload.slice((int) (number % WINDOWS) * 8, size);
    }

    /** The content of all records, when they have the same. */
    ByteBuffer common() {
      return payload.slice(0, size);
    }
  }

  /** Writes one record per request. */
  private static final class WriteWorkload extends Workload {
    private final Sequence sequence;
    private final Contents contents;
    private final String head;
    private final byte[] path;

    WriteWorkload(DriverOptions options, Sequence sequence) {
      super(options);
      this.sequence = sequence;
      contents = new Contents(options);
      var lines = new StringBuilder(commonHead(options));
      lines.append("content-type: ").append(options.contentType).append("\r\n");
      options.labels.forEach((name, value) ->
          lines.append("x-reduct-label-").append(name).append(": ").append(value).append("\r\n"));
      lines.append("content-length: ").append(options.size).append("\r\n\r\n");
      head = lines.toString();
      path = RequestBuffer.ascii("POST " + options.base + "b/" + options.bucket + "/e");
    }

    @Override
    RequestBuffer newRequest() {
      return new RequestBuffer(head, contents.common());
    }

    @Override
    void next(Connection connection) {
      long number = sequence.take(1);
      var request = connection.request;
      request.clear();
      prependLineEnd(request);
      prependRecord(request, options, number);
      request.prepend(path);
      if (options.verify) {
        request.body(contents.of(number));
      }
      request.rewind();
      connection.response.expect(false, false);
    }

    @Override
    long records(Connection connection) {
      return 1;
    }

    @Override
    long bytes(Connection connection) {
      return options.size;
    }

    @Override
    long bytesToWrite() {
      return options.size;
    }
  }

  private static final byte[] TS = RequestBuffer.ascii("?ts=");

  /** Prepends number of the entry and time of this record: {@code 7?ts=1700000000000007}. */
  private static void prependRecord(RequestBuffer request, DriverOptions options, long number) {
    request.prepend(options.firstTs + number * options.step);
    request.prepend(TS);
    request.prepend(number / options.batch % options.entries);
  }

  /** Reads one random record per request. */
  private static final class ReadWorkload extends Workload {
    private final Scatter scatter = new Scatter(7);
    private final Contents contents;
    private final String head;
    private final byte[] path;

    ReadWorkload(DriverOptions options) {
      super(options);
      contents = new Contents(options);
      head = commonHead(options) + "\r\n";
      path = RequestBuffer.ascii("GET " + options.base + "b/" + options.bucket + "/e");
    }

    @Override
    RequestBuffer newRequest() {
      return new RequestBuffer(head);
    }

    @Override
    void next(Connection connection) {
      var request = connection.request;
      request.clear();
      prependLineEnd(request);
      long number = scatter.below(options.records);
      prependRecord(request, options, number);
      request.prepend(path);
      request.rewind();
      if (options.verify) {
        connection.response.expect(contents.of(number));
      } else {
        connection.response.expect(false, false);
      }
    }

    @Override
    long records(Connection connection) {
      return 1;
    }

    @Override
    long bytes(Connection connection) {
      return connection.response.bodyBytes();
    }
  }

  /** Sends the same request over and over. */
  private static final class FixedWorkload extends Workload {
    private final boolean withoutBody;
    private final String head;
    private final byte[] path;

    FixedWorkload(DriverOptions options, String method, String path) {
      super(options);
      this.withoutBody = method.equals("HEAD");
      head = commonHead(options) + "\r\n";
      this.path = RequestBuffer.ascii(method + " " + options.base + path);
    }

    @Override
    RequestBuffer newRequest() {
      var request = new RequestBuffer(head);
      prependLineEnd(request);
      request.prepend(path);
      return request;
    }

    @Override
    void next(Connection connection) {
      connection.request.rewind();
      connection.response.expect(withoutBody, false);
    }

    @Override
    long records(Connection connection) {
      return 0;
    }

    @Override
    long bytes(Connection connection) {
      return connection.response.bodyBytes();
    }
  }
}
