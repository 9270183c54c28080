package io.pannier.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Loads a server that speaks the ReductStore HTTP API and tells how fast it was and what it cost.
 * {@code LoadDriver --help} lists the options. Its own work per operation is a few microseconds, so
 * that it can share a small machine with the server.
 */
public final class LoadDriver {
  private static final double MICRO = 1e3;
  private static final double MILLI = 1e6;
  private static final double SECOND = 1e9;
  private static final double MEGABYTE = 1e6;

  private LoadDriver() {}

  /** Runs the driver and ends the process. */
  public static void main(String[] arguments) {
    System.exit(run(System.out, System.err, arguments));
  }

  /** Runs the driver and returns the exit code. */
  static int run(PrintStream out, PrintStream err, String... arguments) {
    try {
      var options = DriverOptions.parse(arguments);
      if (options.help) {
        out.print(DriverOptions.HELP);
        return 0;
      }
      var outcome = measure(options);
      show(out, err, options, outcome);
      return outcome.clean() ? 0 : 1;
    } catch (DriverOptions.UsageException e) {
      err.println("LoadDriver: " + e.getMessage() + "; see --help");
      return 2;
    } catch (IOException e) {
      err.println("LoadDriver: " + e);
      return 1;
    }
  }

  /** What was measured; with the reason if it ended before its time. */
  record Outcome(Map<String, Object> report, boolean clean, Optional<String> abortion) {}

  private static Outcome measure(DriverOptions options)
      throws IOException, DriverOptions.UsageException {
    var self = ProcessProbe.ofSelf();
    Optional<ProcessProbe> server =
        options.pid.isPresent()
            ? Optional.of(ProcessProbe.of(options.pid.getAsLong()))
            : Optional.empty();
    if (!options.workload.equals("alive") && !options.workload.equals("list")) {
      createBucket(options);
    }
    if (options.fill > 0) {
      fill(options, self);
    }
    var sequence = new Workload.Sequence();
    var meter = new Meter(self, server);
    Optional<String> abortion = Optional.empty();
    var engine = new Engine(options, Workload.of(options, sequence), meter);
    try {
      engine.run();
    } catch (IOException e) {
      // What was measured so far is told all the same.
      abortion = Optional.of(e.toString());
    }
    return outcome(options, meter, sequence, server, abortion);
  }

  static Outcome outcome(
      DriverOptions options,
      Meter meter,
      Workload.Sequence sequence,
      Optional<ProcessProbe> server,
      Optional<String> abortion)
      throws IOException {
    if (abortion.isPresent() && meter.failures == 0) {
      meter.failure(0, abortion.get());
    }
    return new Outcome(
        report(options, meter, sequence, server),
        meter.failures + meter.recordErrors == 0,
        abortion);
  }

  private static RequestBuffer creation(DriverOptions options) {
    return new RequestBuffer(
        "POST %sb/%s HTTP/1.1\r\n%scontent-length: %d\r\n\r\n%s"
            .formatted(
                options.base,
                options.bucket,
                Workload.commonHead(options),
                options.settings.length(),
                options.settings));
  }

  private static void createBucket(DriverOptions options) throws IOException {
    var connection =
        new Connection(
            0,
            new InetSocketAddress(options.host, options.port),
            options.s3 ? S3Workload.creation(options) : creation(options),
            new ResponseReader(64 * 1024));
    try (var channel = connection.channel) {
      var response = connection.response;
      response.expect(false, false);
      connection.request.rewind();
      boolean sent = connection.request.send(channel);
      while (sent && !response.receive(channel)) {
        // The rest of the response is yet to come.
      }
      if (response.status() != 200 && response.status() != 409) {
        throw new IOException(
            "bucket " + options.bucket + ": " + response.status() + " " + response.error());
      }
    }
  }

  private static void fill(DriverOptions options, ProcessProbe self)
      throws IOException, DriverOptions.UsageException {
    var meter = new Meter(self, Optional.empty());
    long requests = (options.fill + options.batch - 1) / options.batch;
    DriverOptions writes = options.forFilling(requests);
    new Engine(writes, Workload.of(writes, new Workload.Sequence()), meter).run();
    if (meter.failures + meter.recordErrors > 0) {
      throw new IOException("filling failed: " + meter.firstError);
    }
  }

  static void show(PrintStream out, PrintStream err, DriverOptions options, Outcome outcome) {
    out.println(options.json ? json(outcome.report()) : table(outcome.report()));
    outcome.abortion().ifPresent(reason -> err.println("LoadDriver: " + reason));
  }

  private static Map<String, Object> report(
      DriverOptions options, Meter meter, Workload.Sequence sequence, Optional<ProcessProbe> server)
      throws IOException {
    var report = new LinkedHashMap<String, Object>();
    double seconds = Math.max(1, meter.elapsedNanos) / SECOND;
    double operations = Math.max(1, meter.operations);
    report.put("workload", options.workload);
    report.put("protocol", options.s3 ? "s3" : options.v2 ? "v2" : "v1");
    report.put("connections", (long) options.connections);
    report.put("entries", (long) options.entries);
    report.put("size", (long) options.size);
    report.put("batch", (long) options.batch);
    report.put("seconds", seconds);
    report.put("operations", meter.operations);
    report.put("requests", meter.requests);
    report.put("records", meter.records);
    report.put("bytes", meter.bytes);
    report.put("operations_per_s", meter.operations / seconds);
    report.put("records_per_s", meter.records / seconds);
    report.put("mb_per_s", meter.bytes / MEGABYTE / seconds);
    putLatencies(report, "latency", meter.latency);
    if (meter.firstRecord.count() > 0) {
      putLatencies(report, "first_record", meter.firstRecord);
    }
    report.put("errors", meter.failures + meter.recordErrors);
    report.put("errors_by_status", meter.errors);
    report.put("record_errors", meter.recordErrors);
    report.put("first_error", meter.firstError);
    report.put("stalls", meter.stalls);
    report.put("longest_gap_ms", meter.longestGapNanos / MILLI);
    if (server.isPresent()) {
      if (meter.operations > 0) {
        report.put("server_cpu_us_per_op", meter.serverNanos / MICRO / operations);
      }
      if (meter.records > 0) {
        report.put("server_cpu_us_per_record", meter.serverNanos / MICRO / meter.records);
      }
      if (meter.bytes > 0) {
        report.put("server_cpu_s_per_gb", (double) meter.serverNanos / meter.bytes);
      }
      report.put("server_rss_mb", server.get().rssBytes() / MEGABYTE);
      long peak = server.get().peakRssBytes();
      if (peak > 0) {
        report.put("server_rss_peak_mb", peak / MEGABYTE);
      }
    }
    report.put("driver_cpu_us_per_op", meter.driverThreadNanos / MICRO / operations);
    report.put("driver_process_cpu_us_per_op", meter.driverProcessNanos / MICRO / operations);
    report.put("records_sent", sequence.taken());
    report.put("next_ts", options.firstTs + sequence.taken() * options.step);
    return report;
  }

  private static void putLatencies(
      Map<String, Object> report, String name, LatencyHistogram histogram) {
    report.put(name + "_us_mean", histogram.meanNanos() / MICRO);
    report.put(name + "_us_p50", histogram.quantileNanos(0.5) / MICRO);
    report.put(name + "_us_p99", histogram.quantileNanos(0.99) / MICRO);
    report.put(name + "_us_p999", histogram.quantileNanos(0.999) / MICRO);
    report.put(name + "_us_max", histogram.maxNanos() / MICRO);
  }

  private static String table(Map<String, Object> report) {
    var lines = new StringBuilder();
    report.forEach((key, value) -> lines.append("%-30s %s%n".formatted(key, text(value))));
    return lines.toString().stripTrailing();
  }

  private static String json(Object value) {
    return switch (value) {
      case Map<?, ?> map -> {
        var members = new java.util.StringJoiner(",", "{", "}");
        map.forEach((key, member) -> members.add(quoted(key.toString()) + ":" + json(member)));
        yield members.toString();
      }
      case String string -> quoted(string);
      default -> text(value);
    };
  }

  private static String text(Object value) {
    return value instanceof Double number
        ? String.format(Locale.ROOT, "%.3f", number)
        : value.toString();
  }

  private static String quoted(String text) {
    var quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append("\\u%04x".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
