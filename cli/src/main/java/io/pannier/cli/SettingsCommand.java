package io.pannier.cli;

import io.pannier.server.settings.Report;
import io.pannier.server.settings.Settings;
import io.pannier.server.settings.SettingsPage;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints what a start would use, and everything that is wrong with it. */
@Command(
    name = "settings",
    description = "Print the settings that the server would start with, and all mistakes in them.",
    mixinStandardHelpOptions = true,
    footer = {"", "Exit code 0, or 2 when a start would refuse them."})
final class SettingsCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--json", description = "One JSON object per variable and per finding.")
  private boolean json;

  @Option(names = "--markdown", hidden = true, description = "Write docs/settings.md.")
  private boolean markdown;

  private final Map<String, String> variables;

  SettingsCommand() {
    this(System.getenv());
  }

  SettingsCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    if (markdown) {
      out.print(SettingsPage.markdown());
      out.flush();
      return ExitCodes.OK;
    }
    Settings.Outcome outcome = Environment.read(variables, null, null, null);
    Report report = outcome.report();
    for (Report.Line line : report.lines()) {
      if (line.isIgnored() && line.status() == Report.Status.DEFAULT) {
        continue; // A dozen things that nobody asked for and that do nothing.
      }
      if (json) {
        Json.line(out, fields(line));
      } else {
        out.println(line.text());
      }
    }
    if (json) {
      report.warnings().forEach(text -> Json.line(out, Map.of("warning", text)));
      report.mistakes().forEach(text -> Json.line(out, Map.of("mistake", text)));
    } else {
      Environment.findings(err, report);
    }
    out.flush();
    return report.mistakes().isEmpty() ? ExitCodes.OK : ExitCodes.UNUSABLE;
  }

  private static Map<String, String> fields(Report.Line line) {
    var fields = new LinkedHashMap<String, String>();
    fields.put("name", line.name());
    fields.put("value", line.value());
    fields.put("status", line.status().name().toLowerCase(Locale.ROOT));
    fields.put("effect", line.effect());
    return fields;
  }
}
