package io.pannier.cli;

import io.pannier.model.Ack;
import io.pannier.model.Limits;
import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.ServerConfig;
import io.pannier.server.access.Authentication;
import io.pannier.server.events.EventOptions;
import io.pannier.store.StoreRefused;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Starts the server on an embedded local store and runs until it is told to stop. */
@Command(
    name = "serve",
    description = "Start the server on an embedded local store.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Environment (each RS_X may also be spelled PANNIER_X):",
      "  RS_DATA_PATH     folder of the data, as --data",
      "  RS_HOST          address to listen on (0.0.0.0)",
      "  RS_PORT          port to listen on, as --port (8383)",
      "  RS_API_TOKEN     token with full access; without it the first start makes one",
      "  RS_DISABLE_AUTH  true: serve everybody without a token",
      "  RS_API_BASE_PATH prefix of all paths (/)",
      "  RS_CORS_ALLOW_ORIGIN  origins that browsers may call from, or *",
      "  RS_INSTANCE_NAME what /info calls this server (host name)",
      "  PANNIER_ACK      what an acknowledgement promises: buffered (default) or disk",
      "  PANNIER_DIRECT_IO  auto (default): large records go past the page cache; off: none does",
      "",
      "Ctrl-C stops the server after everything is on the device."
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--data", paramLabel = "DIR", description = "Folder of the data.")
  private @Nullable Path data;

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "Port to listen on; 0 for any free one.")
  private @Nullable Integer port;

  @Option(names = "--host", paramLabel = "ADDRESS", description = "Address to listen on.")
  private @Nullable String host;

  private final Map<String, String> environment = System.getenv();

  @Override
  public Integer call() throws InterruptedException {
    long began = new SystemClock().monotonicNanos();
    CommandSpec command = java.util.Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    Path folder = (data != null ? data : DataFolder.of(environment)).toAbsolutePath().normalize();
    String address = host != null ? host : variable("HOST").orElse("0.0.0.0");
    int listen = port != null ? port : portOf(command, variable("PORT").orElse("8383"));
    Ack ack = ackOf(command, variable("ACK").orElse("buffered"));
    Limits.Direct direct = directOf(command, variable("DIRECT_IO").orElse("auto"));
    Optional<GeneratedToken.Found> generated = Optional.empty();
    Service service;
    try {
      Files.createDirectories(folder);
      Optional<Authentication> authentication =
          variable("API_TOKEN")
              .<Authentication>map(Authentication.Provisioned::new)
              .or(() -> variable("INIT_API_TOKEN").map(Authentication.Initial::new));
      if (variable("DISABLE_AUTH").map(text -> text.equalsIgnoreCase("true")).orElse(false)) {
        authentication = Optional.of(new Authentication.Disabled());
      } else if (authentication.isEmpty()) {
        generated = Optional.of(GeneratedToken.in(folder, SystemRandom.secure()));
        authentication = generated.map(found -> new Authentication.Initial(found.value()));
      }
      ServerConfig config =
          ServerConfig.of(Optional.empty())
              .withAuthentication(authentication.orElseThrow())
              .withAddress(address, listen)
              .withBasePath(variable("API_BASE_PATH").orElse("/"))
              .withCorsOrigins(origins())
              .withEvents(EventOptions.DEFAULT)
              .withInstance(
                  variable("INSTANCE_NAME").orElseGet(ServeCommand::hostName), Main.VERSION);
      service = Service.start(folder, ack, direct, config);
    } catch (StoreRefused refused) {
      err.println("Data folder " + folder + " is refused: " + refused.getMessage());
      return 1;
    } catch (AccessDeniedException denied) {
      err.println(
          "Data folder " + folder + " cannot be used: no permission for " + denied.getFile());
      return 1;
    } catch (IOException | RuntimeException failed) {
      err.println("Server cannot start: " + reason(failed));
      return 1;
    }
    var stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  service.close();
                  stopped.countDown();
                },
                "pannier-stop"));
    long millis = (new SystemClock().monotonicNanos() - began) / 1_000_000;
    out.printf(Locale.ROOT, "Pannier %s is ready (%d ms)%n", Main.VERSION, millis);
    out.println("  address  http://" + address + ":" + service.port());
    out.println("  data     " + folder);
    generated.ifPresent(token -> {
      if (!service.accepts(token.value())) {
        out.println("  token    as it was changed through the API");
      } else if (token.isNew()) {
        out.println("  token    " + token.value());
        out.println(
            "           full access; kept in " + folder.resolve("token") + ", shown only now");
      } else {
        out.println("  token    in " + folder.resolve("token"));
      }
    });
    out.flush();
    stopped.await();
    return 0;
  }

  private static String reason(Throwable failed) {
    Throwable cause = failed.getCause();
    String text = failed.getMessage();
    return text != null ? text : cause != null ? reason(cause) : failed.toString();
  }

  private Optional<String> variable(String name) {
    for (String prefix : List.of("PANNIER_", "RS_")) {
      String value = environment.get(prefix + name);
      if (value != null && !value.isEmpty()) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }

  private List<String> origins() {
    return variable("CORS_ALLOW_ORIGIN")
        .map(text ->
            Arrays.stream(text.split(","))
                .map(String::trim)
                .filter(item -> !item.isEmpty())
                .toList())
        .orElse(List.of());
  }

  private static int portOf(CommandSpec command, String text) {
    try {
      int number = Integer.parseInt(text);
      if (number >= 0 && number <= 65_535) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // Answered below, as a number out of range is.
    }
    throw new ParameterException(
        command.commandLine(), "RS_PORT must be 0 to 65535, not '" + text + "'");
  }

  private static Ack ackOf(CommandSpec command, String text) {
    return switch (text) {
      case "buffered" -> Ack.BUFFERED;
      case "disk" -> Ack.DISK;
      default ->
          throw new ParameterException(
              command.commandLine(), "PANNIER_ACK must be buffered or disk, not '" + text + "'");
    };
  }

  private static Limits.Direct directOf(CommandSpec command, String text) {
    return switch (text) {
      case "auto" -> Limits.Direct.DEFAULT;
      case "off" -> Limits.Direct.OFF;
      default ->
          throw new ParameterException(
              command.commandLine(), "PANNIER_DIRECT_IO must be auto or off, not '" + text + "'");
    };
  }

  private static String hostName() {
    try {
      return java.net.InetAddress.getLocalHost().getHostName();
    } catch (java.net.UnknownHostException unnamed) {
      return "pannier";
    }
  }
}
