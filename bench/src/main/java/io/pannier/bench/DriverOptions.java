package io.pannier.bench;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** What the command line of {@link LoadDriver} says. */
final class DriverOptions {
  static final String HELP =
      """
      Load driver for a server that speaks the ReductStore HTTP API. Closed loop: each connection
      sends its next request when the answer to the last one is there. One thread.

      LoadDriver --workload NAME [--key value ...]

        --workload      write        POST /b/BUCKET/ENTRY?ts= with one record
                        write-batch  one request with --batch records of one entry
                        read         GET /b/BUCKET/ENTRY?ts= of a random written record
                        query        a query and all its batches; one operation is one query
                        list         GET /list
                        alive        HEAD /alive: the floor of the server's HTTP stack
        --url           of the server, with base path; default http://127.0.0.1:8383
        --token         API token; default: environment variable RS_API_TOKEN, else none
        --protocol      v1 (default), v2: of write-batch and query; or s3: write and read are PUT
                        and GET of objects, signed with the access and secret key in --token KEY:KEY

      Data
        --bucket        made if missing; default bench
        --settings      JSON settings of a bucket that is made
        --entries       names e0 to eN-1, taken in turn; default 1
        --size          bytes of a record, also as 1K or 8M (powers of ten); default 1K
        --batch         records of a batch; default 80 for write-batch, else 1. Record r lies in
                        entry (r / batch) modulo entries: reads need the value of the writes
        --labels        of each written record: name=value,name=value
        --counters      labels of records that are written in batches of v1: name=N,name=N; the
                        value is the number of the record modulo N
        --verify        every record is written with a content of its own, and every byte that is
                        read is compared; single records only
        --content-type  of each written record; default application/octet-stream
        --start-ts      time of record 0 in microseconds; default 1700000000000000
        --step          microseconds from record to record; default 1
        --records       how many records were written before; read and query choose among them
        --fill          write this many records first, unmeasured (instead of --records)
        --range         records that a query spans, over all entries; default 0: all
        --all-entries   true: a v2 query is for all entries, not for one
        --when          JSON condition of a query
        --expect        a query that brings another number of records has failed

      Load
        --connections   default 1
        --mode          blocking (1 connection only), selector, auto (default): the cheapest
        --warmup        seconds, unmeasured; default 2
        --warmup-bytes  ends the warm-up early; default: a quarter of --max-bytes
        --seconds       measured time; default 10, unlimited if one of the next two is given
        --operations    ends after so many
        --max-bytes     ends after so many bytes of payload; also as 1G
        --timeout       seconds until a request without an answer counts as failed; default 60
        --max-errors    gives up after so many failed operations; default 1000

      Output
        --pid           of the server: its CPU time and memory (Linux, same machine)
        --json          true or no value: one line of JSON

      Exit code: 0, 1 if any operation failed, 2 for bad usage.
      """;

  private static final Set<String> FLAGS = Set.of("json", "all-entries", "verify", "help");
  private static final Set<String> KEYS =
      Set.of(
          "workload",
          "url",
          "token",
          "protocol",
          "bucket",
          "settings",
          "entries",
          "size",
          "batch",
          "labels",
          "counters",
          "verify",
          "content-type",
          "start-ts",
          "step",
          "records",
          "fill",
          "range",
          "all-entries",
          "when",
          "expect",
          "connections",
          "mode",
          "warmup",
          "warmup-bytes",
          "seconds",
          "operations",
          "max-bytes",
          "timeout",
          "max-errors",
          "pid",
          "json",
          "help");
  private static final List<String> WORKLOADS =
      List.of("write", "write-batch", "read", "query", "list", "alive");

  /** The command line cannot be understood. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  private final Map<String, String> given;

  final String workload;
  final String host;
  final int port;

  /** Path of the API with a slash at its end. */
  final String base;

  final String token;
  final boolean v2;
  final boolean s3;
  final String bucket;
  final String settings;
  final int entries;
  final int size;
  final int batch;
  final Map<String, String> labels;

  /** Names of labels that hold the number of the record modulo a number. */
  final Map<String, Integer> counters;

  final boolean verify;
  final String contentType;
  final long firstTs;
  final long step;
  final long records;
  final long fill;
  final long range;
  final boolean allEntries;
  final String when;

  /** How many records a query must bring; -1: any number. */
  final long expect;

  final int connections;
  final boolean blocking;
  final long warmupNanos;
  final long warmupBytes;
  final long measuredNanos;
  final long operations;
  final long maxBytes;
  final long timeoutNanos;
  final long maxErrors;
  final OptionalLong pid;
  final boolean json;
  final boolean help;

  private DriverOptions(Map<String, String> given) throws UsageException {
    this.given = given;
    help = flag("help");
    json = flag("json");
    workload = text("workload", help ? "alive" : "");
    require(WORKLOADS.contains(workload), "--workload must be one of " + WORKLOADS);
    URI url = url(text("url", "http://127.0.0.1:8383"));
    host = url.getHost();
    port = url.getPort() < 0 ? 80 : url.getPort();
    String path = url.getRawPath();
    base = (path.endsWith("/") ? path : path + "/") + "api/v1/";
    token = text("token", Optional.ofNullable(System.getenv("RS_API_TOKEN")).orElse(""));
    String protocol = text("protocol", "v1");
    require(
        List.of("v1", "v2", "s3").contains(protocol), "--protocol must be one of v1, v2 and s3");
    v2 = protocol.equals("v2");
    s3 = protocol.equals("s3");
    require(
        !s3 || List.of("write", "read").contains(workload), "--protocol s3 writes and reads only");
    bucket = text("bucket", "bench");
    settings = text("settings", "");
    entries = integer("entries", 1, 1);
    size = integer("size", 1000, 0);
    batch = integer("batch", workload.equals("write-batch") ? 80 : 1, 1);
    labels = labels(text("labels", ""));
    counters = counters(text("counters", ""));
    verify = flag("verify");
    require(!verify || batch == 1, "--verify: single records only");
    contentType = text("content-type", "application/octet-stream");
    firstTs = number("start-ts", 1_700_000_000_000_000L, 0);
    step = number("step", 1, 1);
    fill = number("fill", 0, 0);
    records = fill > 0 ? fill : number("records", 0, 0);
    range = number("range", 0, 0);
    allEntries = flag("all-entries");
    when = text("when", "");
    expect = given.containsKey("expect") ? number("expect", 0, 0) : -1;
    connections = integer("connections", 1, 1);
    String mode = text("mode", "auto");
    require(List.of("auto", "blocking", "selector").contains(mode), "--mode is unknown");
    require(!mode.equals("blocking") || connections == 1, "--mode blocking: one connection only");
    blocking = connections == 1 && !mode.equals("selector");
    operations = number("operations", Long.MAX_VALUE, 1);
    maxBytes = number("max-bytes", Long.MAX_VALUE, 1);
    boolean limited = operations < Long.MAX_VALUE || maxBytes < Long.MAX_VALUE;
    warmupNanos = nanos("warmup", 2);
    warmupBytes =
        number("warmup-bytes", maxBytes == Long.MAX_VALUE ? Long.MAX_VALUE : maxBytes / 4, 1);
    measuredNanos = nanos("seconds", limited ? Long.MAX_VALUE / 1e9 / 4 : 10);
    timeoutNanos = nanos("timeout", 60);
    maxErrors = number("max-errors", 1000, 1);
    pid = given.containsKey("pid") ? OptionalLong.of(number("pid", 0, 1)) : OptionalLong.empty();
    boolean reads = workload.equals("read") || workload.equals("query");
    require(!reads || records > 0 || help, "--workload " + workload + " needs --records or --fill");
    require((long) size * batch <= 1_000_000_000, "a request of more than 1 GB");
  }

  /** Reads {@code --key value} pairs. */
  static DriverOptions parse(String... arguments) throws UsageException {
    var given = new HashMap<String, String>();
    int at = 0;
    while (at < arguments.length) {
      String argument = arguments[at++];
      String key = argument.startsWith("--") ? argument.substring(2) : "";
      require(KEYS.contains(key), "unknown argument " + argument);
      boolean alone = at == arguments.length || arguments[at].startsWith("--");
      require(!alone || FLAGS.contains(key), argument + " needs a value");
      given.put(key, alone ? "true" : arguments[at++]);
    }
    return new DriverOptions(given);
  }

  /** The same server and records, but so many writes, one after the other, without warm-up. */
  DriverOptions forFilling(long requests) throws UsageException {
    var writes = new HashMap<>(given);
    writes.keySet().removeAll(List.of("fill", "seconds", "max-bytes", "pid"));
    writes.put("workload", batch == 1 ? "write" : "write-batch");
    writes.put("operations", Long.toString(requests));
    writes.put("connections", "1");
    writes.put("warmup", "0");
    return new DriverOptions(writes);
  }

  private static void require(boolean condition, String message) throws UsageException {
    if (!condition) {
      throw new UsageException(message);
    }
  }

  private String text(String key, String otherwise) {
    return given.getOrDefault(key, otherwise);
  }

  private boolean flag(String key) {
    return text(key, "false").equals("true");
  }

  private long number(String key, long otherwise, long least) throws UsageException {
    String text = text(key, "");
    if (text.isEmpty()) {
      return otherwise;
    }
    long unit =
        switch (Character.toUpperCase(text.charAt(text.length() - 1))) {
          case 'K' -> 1_000L;
          case 'M' -> 1_000_000L;
          case 'G' -> 1_000_000_000L;
          default -> 1L;
        };
    try {
      String digits = unit == 1 ? text : text.substring(0, text.length() - 1);
      long value = Math.multiplyExact(Long.parseLong(digits), unit);
      require(value >= least, "--" + key + " must be at least " + least);
      return value;
    } catch (ArithmeticException | NumberFormatException e) {
      throw new UsageException("--" + key + " is not a number: " + text);
    }
  }

  private int integer(String key, int otherwise, int least) throws UsageException {
    long value = number(key, otherwise, least);
    require(value <= Integer.MAX_VALUE, "--" + key + " is too large");
    return (int) value;
  }

  private long nanos(String key, double otherwise) throws UsageException {
    try {
      double seconds = given.containsKey(key) ? Double.parseDouble(text(key, "")) : otherwise;
      require(seconds >= 0, "--" + key + " must not be negative");
      return (long) (seconds * 1e9);
    } catch (NumberFormatException e) {
      throw new UsageException("--" + key + " is not a number of seconds");
    }
  }

  private static URI url(String text) throws UsageException {
    try {
      URI url = new URI(text);
      require("http".equals(url.getScheme()) && url.getHost() != null, "--url must be http://…");
      return url;
    } catch (java.net.URISyntaxException e) {
      throw new UsageException("--url: " + e.getMessage());
    }
  }

  private static Map<String, String> labels(String text) throws UsageException {
    var labels = new java.util.LinkedHashMap<String, String>();
    for (String label : text.isEmpty() ? new String[0] : text.split(",", -1)) {
      int equals = label.indexOf('=');
      require(equals > 0, "--labels must be name=value,name=value");
      labels.put(label.substring(0, equals), label.substring(equals + 1));
    }
    return labels;
  }

  private static Map<String, Integer> counters(String text) throws UsageException {
    var counters = new java.util.LinkedHashMap<String, Integer>();
    for (var label : labels(text).entrySet()) {
      try {
        counters.put(label.getKey(), Integer.parseInt(label.getValue()));
      } catch (NumberFormatException _) {
        throw new UsageException("--counters must be name=number,name=number");
      }
      require(counters.get(label.getKey()) > 0, "--counters: numbers above 0");
    }
    return counters;
  }

  /** Bytes of payload in one written request. */
  int requestBytes() {
    return size * batch;
  }
}
