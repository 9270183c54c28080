package io.pannier.cli.client;

import io.pannier.client.Json;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code server}: what a server says about itself. */
@Command(
    name = "server",
    description = "Get general information an instance",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ServerCommands.Alive.class,
      ServerCommands.Status.class,
      ServerCommands.License.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class ServerCommands {
  private static final String WHICH =
      "Alias or URL (e.g. http://localhost:8383) of the instance to use";

  /** {@code server alive}. */
  @Command(name = "alive", description = "Check if an instance is alive")
  static final class Alive extends ClientCommand {
    @Parameters(paramLabel = "<ALIAS_OR_URL>", description = WHICH)
    private String server = "";

    @Override
    int run() {
      client(server).alive();
      return Exit.OK;
    }
  }

  /** {@code server status}. */
  @Command(name = "status", description = "Get the status of an instance")
  static final class Status extends ClientCommand {
    @Parameters(paramLabel = "<ALIAS_OR_URL>", description = WHICH)
    private String server = "";

    @Override
    int run() {
      Map<String, @Nullable Object> info = Json.parseObject(client(server).call("GET", "info", ""));
      if (globals.json) {
        out().println(Json.write(info));
        return Exit.OK;
      }
      long uptime = info.get("uptime") instanceof Number seconds ? seconds.longValue() : 0;
      out().println("Status: \tOk ✅");
      out().println("Version:\t" + info.get("version"));
      out().println("Uptime: \t" + Times.rough(uptime));
      out().println("License:\t" + license(info));
      return Exit.OK;
    }
  }

  private static String license(Map<String, @Nullable Object> info) {
    return info.get("license") instanceof Map<?, ?> license
        ? license.get("plan") + " (expires at " + license.get("expiry_date") + ")"
        : "Apache-2.0";
  }

  /** {@code server license}. */
  @Command(name = "license", description = "Get information about the license")
  static final class License extends ClientCommand {
    @Parameters(paramLabel = "<ALIAS_OR_URL>", description = WHICH)
    private String server = "";

    @Override
    int run() {
      Map<String, @Nullable Object> info = Json.parseObject(client(server).call("GET", "info", ""));
      if (!(info.get("license") instanceof Map<?, ?> license)) {
        print(Map.of("license", "Apache-2.0"), "Apache-2.0");
        return Exit.OK;
      }
      if (globals.json) {
        out().println(Json.write(license));
        return Exit.OK;
      }
      String[] names = {
        "Licensee",
        "licensee",
        "Invoice",
        "invoice",
        "Expiry Date",
        "expiry_date",
        "Plan",
        "plan",
        "Num. Devices",
        "device_number",
        "Disk Quota (TB)",
        "disk_quota",
        "Fingerprint",
        "fingerprint"
      };
      for (int i = 0; i < names.length; i += 2) {
        out().println(names[i] + ":\t" + license.get(names[i + 1]));
      }
      return Exit.OK;
    }
  }
}
