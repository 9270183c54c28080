package io.pannier.cli;

import io.pannier.server.settings.Report;
import io.pannier.server.settings.Settings;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The settings of a start as the commands read and show them. */
final class Environment {
  private Environment() {}

  /** Reads the variables; options that are not given are null. */
  static Settings.Outcome read(
      Map<String, String> variables,
      @Nullable Object data,
      @Nullable Object host,
      @Nullable Object port) {
    var options = new HashMap<String, String>();
    put(options, "DATA_PATH", data);
    put(options, "HOST", host);
    put(options, "PORT", port);
    return Settings.read(variables, options, hostName());
  }

  private static void put(Map<String, String> options, String name, @Nullable Object value) {
    if (value != null) {
      options.put(name, value.toString());
    }
  }

  private static String hostName() {
    try {
      return Optional.of(InetAddress.getLocalHost().getHostName())
          .filter(name -> !name.isEmpty())
          .orElse("unknown");
    } catch (UnknownHostException unnamed) {
      return "unknown";
    }
  }

  /** What was set, and what of it is not as it was meant. */
  static void banner(PrintWriter out, PrintWriter err, Report report) {
    for (Report.Line line : report.lines()) {
      if (line.status() != Report.Status.DEFAULT) {
        out.println("  " + line.text());
      }
    }
    out.flush();
    findings(err, report);
  }

  /** Warnings and mistakes. */
  static void findings(PrintWriter err, Report report) {
    report.warnings().forEach(warning -> err.println("Warning: " + warning));
    report.mistakes().forEach(mistake -> err.println("Error: " + mistake));
    err.flush();
  }
}
