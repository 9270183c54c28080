package io.pannier.bench;

import io.pannier.model.SystemClock;
import java.nio.ByteBuffer;

/**
 * Writes or reads one object per request, {@code /BUCKET/ENTRY/TIME}, on a server that speaks S3.
 */
final class S3Workload extends Workload {
  private static final int ROOM = 2048;

  private final Sequence sequence;
  private final Scatter scatter = new Scatter(7);
  private final Contents contents;
  private final S3Signer signer;
  private final boolean writes;

  S3Workload(DriverOptions options, Sequence sequence) {
    super(options);
    this.sequence = sequence;
    contents = new Contents(options);
    signer = signer(options);
    writes = options.workload.equals("write");
  }

  private static S3Signer signer(DriverOptions options) {
    return new S3Signer(options.host + ":" + options.port, options.token, new SystemClock());
  }

  /** The request that makes the bucket. */
  static RequestBuffer creation(DriverOptions options) {
    String path = "/" + options.bucket;
    return new RequestBuffer(
        "PUT "
            + path
            + " HTTP/1.1\r\n"
            + signer(options).head("PUT", path)
            + "content-length: 0\r\n\r\n");
  }

  @Override
  RequestBuffer newRequest() {
    return writes
        ? new RequestBuffer(ROOM, "content-length: " + options.size + "\r\n\r\n", contents.common())
        : new RequestBuffer(ROOM, "\r\n", ByteBuffer.allocate(0));
  }

  @Override
  void next(Connection connection) {
    long number = writes ? sequence.take(1) : scatter.below(options.records);
    String method = writes ? "PUT" : "GET";
    String path =
        "/"
            + options.bucket
            + "/e"
            + number / options.batch % options.entries
            + "/"
            + (options.firstTs + number * options.step);
    var request = connection.request;
    request.clear();
    request.prepend(RequestBuffer.ascii(signer.head(method, path)));
    prependLineEnd(request);
    request.prepend(RequestBuffer.ascii(method + " " + path));
    if (writes && options.verify) {
      request.body(contents.of(number));
    }
    request.rewind();
    if (!writes && options.verify) {
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
    return writes ? options.size : connection.response.bodyBytes();
  }

  @Override
  long bytesToWrite() {
    return writes ? options.size : 0;
  }
}
