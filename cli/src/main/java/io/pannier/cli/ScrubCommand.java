package io.pannier.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.PannierException;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells what the background check of a server has found. */
@Command(
    name = "scrub",
    mixinStandardHelpOptions = true,
    description =
        "Tells what the background check of a server has found: it reads everything that is stored,"
            + " slowly, and finds damage while there is a copy elsewhere.",
    footer = {
      "",
      "PANNIER_SCRUB_RATE and PANNIER_SCRUB_INTERVAL of the server say how fast and how often.",
      "The token is taken from --token-file, --token, or the variable PANNIER_TOKEN or RS_API_TOKEN."
    },
    exitCodeListHeading = "%nExit code:%n",
    exitCodeList = {
      "0:nothing is damaged, as far as was read",
      "1:something is damaged",
      "2:the server cannot be asked"
    })
final class ScrubCommand implements Callable<Integer> {
  @Parameters(paramLabel = "URL", description = "Address of the server.")
  private String url = "";

  @Option(names = "--now", description = "Begin a pass now, unless one goes on.")
  private boolean now;

  @Option(names = "--json", description = "The report as JSON.")
  private boolean json;

  @Mixin private RemoteOptions remote = new RemoteOptions();

  @Spec private @Nullable CommandSpec spec;

  private final Map<String, String> variables;

  ScrubCommand() {
    this(System.getenv());
  }

  ScrubCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() {
    CommandSpec here = Objects.requireNonNull(spec);
    PrintWriter out = here.commandLine().getOut();
    PrintWriter err = here.commandLine().getErr();
    try (Remote server = remote.connect(url, variables);
        Remote.Answer answer =
            server.send(now ? "POST" : "GET", "scrub", HttpRequest.BodyPublishers.noBody())) {
      String text = answer.text();
      JsonNode report = Json.parse(text);
      if (json) {
        out.println(text);
      } else {
        print(out, report);
      }
      return damaged(report, "current") + damaged(report, "last") == 0
          ? ExitCodes.OK
          : ExitCodes.DAMAGE;
    } catch (RemoteFailed | PannierException refused) {
      err.println(refused.getMessage());
    } catch (IOException failed) {
      err.println(url + " cannot be asked: " + failed.getMessage());
    } finally {
      out.flush();
      err.flush();
    }
    return ExitCodes.UNUSABLE;
  }

  private static long damaged(JsonNode report, String pass) {
    return report.path(pass).path("damaged").asLong();
  }

  private static void print(PrintWriter out, JsonNode report) {
    for (var pass : List.of(Map.entry("last", "ended"), Map.entry("current", "goes on"))) {
      JsonNode told = report.path(pass.getKey());
      if (told.isObject()) {
        for (JsonNode finding : told.path("findings")) {
          out.println(
              finding.path("finding").asText()
                  + "  "
                  + finding.path("path").asText()
                  + "  "
                  + finding.path("text").asText());
        }
        out.println(
            "Pass "
                + told.path("pass").asLong()
                + " of "
                + Amounts.time(told.path("started").asLong())
                + " "
                + pass.getValue()
                + (told.has("finished") ? " " + Amounts.time(told.path("finished").asLong()) : "")
                + ": "
                + told.path("blocks").asLong()
                + " blocks, "
                + Amounts.bytes(told.path("bytes").asLong())
                + " read, "
                + told.path("damaged").asLong()
                + " damaged");
      }
    }
    if (!report.path("current").isObject() && !report.path("last").isObject()) {
      out.println("Nothing was read yet.");
    }
    long rate = report.path("rate").asLong();
    out.println(
        rate == 0
            ? "It reads only when it is asked to (--now)."
            : "At most "
                + Amounts.bytes(rate)
                + "/s, every "
                + report.path("interval").asLong() / 3600
                + " h.");
  }
}
