package io.pannier.bench;

import java.nio.ByteBuffer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Starts a query and reads all its batches: one operation. The entries take turns; the range, if
 * there is one, lies at random.
 */
final class QueryWorkload extends Workload {
  private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*(\\d+)");

  /** The largest request in bytes. */
  private static final int ROOM = 64 * 1024;

  /** How far the query of one connection is. */
  private static final class Progress {
    private byte[] poll = new byte[0];
    private boolean polling;
    private long entry;
    private long records;
    private long bytes;
    private long firstRecordNanos = -1;
  }

  private final Scatter scatter = new Scatter(11);
  private final Progress[] progress;
  private final String head;
  private long turn;

  QueryWorkload(DriverOptions options) {
    super(options);
    head = commonHead(options);
    progress = new Progress[options.connections];
  }

  @Override
  RequestBuffer newRequest() {
    // The requests of a query differ from head to end: the fixed part is empty.
    return new RequestBuffer(ROOM, "", ByteBuffer.allocate(0));
  }

  @Override
  void next(Connection connection) {
    var now = new Progress();
    progress[connection.index] = now;
    now.entry = turn++ % options.entries;
    var query = new StringBuilder("{\"query_type\":\"QUERY\"");
    if (options.v2 && !options.allEntries) {
      query.append(",\"entries\":[\"e").append(now.entry).append("\"]");
    }
    if (options.range > 0) {
      long first = scatter.below(Math.max(1, options.records - options.range + 1));
      query.append(",\"start\":").append(options.firstTs + first * options.step);
      query.append(",\"stop\":").append(options.firstTs + (first + options.range) * options.step);
    }
    if (!options.when.isEmpty()) {
      query.append(",\"when\":").append(options.when);
    }
    query.append('}');
    String path = options.v2 ? "io/" + options.bucket : entryPath(now.entry);
    send(
        connection,
        RequestBuffer.ascii(
            "POST %s%s/q HTTP/1.1\r\n%scontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                .formatted(options.base, path, head, query.length(), query)));
    connection.response.expect(false, true);
  }

  private String entryPath(long entry) {
    return "b/" + options.bucket + "/e" + entry;
  }

  private static void send(Connection connection, byte[] request) {
    connection.request.clear();
    connection.request.prepend(request);
    connection.request.rewind();
  }

  @Override
  boolean received(Connection connection) {
    var now = progress[connection.index];
    var response = connection.response;
    if (!now.polling) {
      Matcher matcher = ID.matcher(response.bodyText());
      if (!matcher.find()) {
        throw new IllegalStateException("no query id in " + response.bodyText());
      }
      now.poll = RequestBuffer.ascii(poll(now.entry, matcher.group(1)));
      now.polling = true;
    } else {
      if (response.records() > 0 && now.records == 0) {
        now.firstRecordNanos = response.headNanos() - connection.begunNanos;
      }
      now.records += response.records();
      now.bytes += response.bodyBytes();
      if (response.status() == 204 || response.last()) {
        return true;
      }
    }
    send(connection, now.poll);
    response.expect(false, false);
    return false;
  }

  private String poll(long entry, String id) {
    return options.v2
        ? "GET %sio/%s/read HTTP/1.1\r\n%sx-reduct-query-id: %s\r\n\r\n"
            .formatted(options.base, options.bucket, head, id)
        : "GET %s%s/batch?q=%s HTTP/1.1\r\n%s\r\n"
            .formatted(options.base, entryPath(entry), id, head);
  }

  @Override
  String wrong(Connection connection) {
    long found = records(connection);
    return options.expect < 0 || found == options.expect
        ? ""
        : found + " records instead of " + options.expect;
  }

  @Override
  long records(Connection connection) {
    return progress[connection.index].records;
  }

  @Override
  long bytes(Connection connection) {
    return progress[connection.index].bytes;
  }

  @Override
  long firstRecordNanos(Connection connection) {
    return progress[connection.index].firstRecordNanos;
  }
}
