package io.pannier.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.pannier.cli.Json;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Tells how a replication goes on: for people at a terminal, for logs, or for programs. */
interface Teller {
  /**
   * How things stand.
   *
   * @param seconds since the robots began
   * @param isUp whether the link is
   * @param linkBytes what has passed through it
   * @param shrinkingSeconds until nothing is pending, if it goes on shrinking as it did during the
   *     last looks; negative: not to be told
   */
  record Status(
      double seconds, boolean isUp, long linkBytes, double shrinkingSeconds, List<Line> robots) {
    long pending() {
      return robots.stream().mapToLong(Line::pending).sum();
    }

    /** What the server says of the bytes that wait; negative: nothing. */
    long pendingBytes() {
      return robots.stream()
          .mapToLong(line -> line.told("pending", "bytes").asLong(-1))
          .reduce(0, (sum, bytes) -> sum < 0 || bytes < 0 ? -1 : sum + bytes);
    }

    /** Until nothing is pending: as the server forecasts it, else by the last looks. */
    double caughtUpSeconds() {
      double told =
          robots.stream()
              .mapToDouble(line -> line.told("forecast", "catch_up_seconds").asDouble(-1))
              .max()
              .orElse(-1);
      return isUp && pending() > 0 && told >= 0 ? told : shrinkingSeconds;
    }

    double lagSeconds() {
      return robots.stream().mapToDouble(Line::lagSeconds).max().orElse(0);
    }
  }

  /**
   * How one robot's replication stands.
   *
   * @param recorded records at the robot
   * @param pending records and changes that the cloud is not known to have
   * @param arrived records in the cloud
   * @param lagSeconds how far the newest copy is behind the newest record that is to be copied
   * @param more what the server tells besides
   */
  record Line(
      String robot,
      long recorded,
      long pending,
      long arrived,
      double lagSeconds,
      Map<String, JsonNode> more) {
    /** A figure of the server; missing when it has none of this name. */
    JsonNode told(String group, String name) {
      return more.getOrDefault(group, MissingNode.getInstance()).path(name);
    }
  }

  /**
   * What the comparison brought.
   *
   * @param recorded records at the robot
   * @param selected of them that the condition selects
   * @param arrived records in the cloud
   * @param robotDigest of the selected ones, as the robot's store answers
   * @param cloudDigest of all in the cloud
   * @param isEqual to each other and to what was recorded
   */
  record Result(
      String robot,
      long recorded,
      long selected,
      long arrived,
      String robotDigest,
      String cloudDigest,
      boolean isEqual) {}

  /** A new part of the story begins. */
  void phase(String text);

  /** A moment in it. */
  void status(Status status);

  /** How it ended. */
  void results(List<Result> results, long brokenConnections);

  /** The way that fits. */
  static Teller of(PrintWriter out, boolean json, boolean isTerminal) {
    return json ? new AsJson(out) : isTerminal ? new Live(out) : new Plain(out);
  }

  /** One line now and then. */
  class Plain implements Teller {
    private static final double SECONDS_BETWEEN = 2;

    final PrintWriter out;
    private double last = -SECONDS_BETWEEN;

    Plain(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void phase(String text) {
      last = -SECONDS_BETWEEN;
      out.println(text);
      out.flush();
    }

    @Override
    public void status(Status status) {
      if (status.seconds() - last >= SECONDS_BETWEEN) {
        last = status.seconds();
        out.println(summary(status));
        out.flush();
      }
    }

    static String summary(Status status) {
      var text = new StringBuilder();
      text.append(
          String.format(
              Locale.ROOT,
              "  %5.1f s  link %-3s  pending %4d%s  lag %5.1f s  sent %6.1f MB",
              status.seconds(),
              status.isUp() ? "up" : "CUT",
              status.pending(),
              megabytes(status.pendingBytes()),
              status.lagSeconds(),
              status.linkBytes() / 1e6));
      if (status.caughtUpSeconds() >= 0) {
        text.append(
            String.format(Locale.ROOT, "  caught up in about %.0f s", status.caughtUpSeconds()));
      }
      return text.toString();
    }

    private static String megabytes(long bytes) {
      return bytes < 0 ? "" : String.format(Locale.ROOT, " (%.1f MB)", bytes / 1e6);
    }

    @Override
    public void results(List<Result> results, long brokenConnections) {
      for (Result result : results) {
        out.printf(
            Locale.ROOT,
            "  %s  recorded %d, selected %d, in the cloud %d  %s %s %s%n",
            result.robot(),
            result.recorded(),
            result.selected(),
            result.arrived(),
            shortened(result.robotDigest()),
            result.robotDigest().equals(result.cloudDigest()) ? "=" : "!=",
            shortened(result.cloudDigest()));
      }
      boolean isEqual = results.stream().allMatch(Result::isEqual);
      out.println(
          isEqual
              ? "Equal: every record that the condition selects is in the cloud, byte for byte and"
                  + " label for label, and no other. Connections broken in the middle: "
                  + brokenConnections
                  + "."
              : "NOT EQUAL: what is in the cloud is not what the condition selects.");
      out.flush();
    }

    private static String shortened(String digest) {
      return digest.substring(0, 12);
    }
  }

  /** The last lines of a terminal, again and again. */
  final class Live extends Plain {
    private int shown;

    Live(PrintWriter out) {
      super(out);
    }

    @Override
    public void phase(String text) {
      shown = 0;
      super.phase(text);
    }

    @Override
    public void status(Status status) {
      if (shown > 0) {
        // Up so many lines, and clear what is below.
        out.print("\033[" + shown + "A\033[J");
      }
      out.println(summary(status));
      for (Line line : status.robots()) {
        out.printf(
            Locale.ROOT,
            "    %-8s  recorded %5d  pending %4d  in the cloud %5d  lag %5.1f s%s%n",
            line.robot(),
            line.recorded(),
            line.pending(),
            line.arrived(),
            line.lagSeconds(),
            eviction(line));
      }
      out.flush();
      shown = 1 + status.robots().size();
    }

    /** When the oldest of what waits will be evicted, if the server forecasts that. */
    private static String eviction(Line line) {
      JsonNode seconds = line.told("forecast", "eviction_seconds");
      return seconds.isNumber()
          ? String.format(Locale.ROOT, "  evicted in %.0f s", seconds.asDouble())
          : "";
    }
  }

  /** One JSON object a line. */
  final class AsJson implements Teller {
    private final PrintWriter out;

    AsJson(PrintWriter out) {
      this.out = out;
    }

    private void line(Map<String, ?> fields) {
      Json.line(out, fields);
      out.flush();
    }

    @Override
    public void phase(String text) {
      line(Map.of("phase", text));
    }

    @Override
    public void status(Status status) {
      var fields = new LinkedHashMap<String, Object>();
      fields.put("seconds", status.seconds());
      fields.put("link", status.isUp() ? "up" : "cut");
      fields.put("link_bytes", status.linkBytes());
      fields.put("pending_records", status.pending());
      fields.put("lag_seconds", status.lagSeconds());
      if (status.caughtUpSeconds() >= 0) {
        fields.put("caught_up_in_seconds", status.caughtUpSeconds());
      }
      var robots = new ArrayList<Map<String, Object>>();
      for (Line line : status.robots()) {
        var robot = new LinkedHashMap<String, Object>();
        robot.put("robot", line.robot());
        robot.put("recorded", line.recorded());
        robot.put("pending_records", line.pending());
        robot.put("in_cloud", line.arrived());
        robot.put("lag_seconds", line.lagSeconds());
        robot.put("diagnostics", line.more());
        robots.add(robot);
      }
      fields.put("robots", robots);
      line(fields);
    }

    @Override
    public void results(List<Result> results, long brokenConnections) {
      var robots = new ArrayList<Map<String, Object>>();
      for (Result result : results) {
        var robot = new LinkedHashMap<String, Object>();
        robot.put("robot", result.robot());
        robot.put("recorded", result.recorded());
        robot.put("selected", result.selected());
        robot.put("in_cloud", result.arrived());
        robot.put("digest_at_robot", result.robotDigest());
        robot.put("digest_in_cloud", result.cloudDigest());
        robot.put("equal", result.isEqual());
        robots.add(robot);
      }
      var fields = new LinkedHashMap<String, Object>();
      fields.put("equal", results.stream().allMatch(Result::isEqual));
      fields.put("broken_connections", brokenConnections);
      fields.put("robots", robots);
      line(fields);
    }
  }
}
