package io.pannier.cli;

import io.pannier.server.MetricsPage;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the metrics that a server shows; asks no server. */
@Command(
    name = "metrics",
    description = "List the metrics that a server shows at /metrics.",
    mixinStandardHelpOptions = true)
final class MetricsCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--json", description = "One JSON object per metric.")
  private boolean json;

  @Option(names = "--markdown", hidden = true, description = "Write docs/metrics.md.")
  private boolean markdown;

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    if (markdown) {
      out.print(MetricsPage.markdown());
    } else {
      MetricsPage.forEach(metric -> print(out, metric));
    }
    out.flush();
    return ExitCodes.OK;
  }

  private void print(PrintWriter out, MetricsPage.Line metric) {
    if (json) {
      var fields = new LinkedHashMap<String, String>();
      fields.put("name", metric.name());
      fields.put("kind", metric.kind());
      fields.put("labels", metric.labels());
      fields.put("help", metric.help());
      Json.line(out, fields);
    } else {
      String labels = metric.labels().isEmpty() ? "" : "{" + metric.labels() + "}";
      out.println(metric.name() + labels + " (" + metric.kind() + "): " + metric.help());
    }
  }
}
