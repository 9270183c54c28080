package io.pannier.cli;

import io.pannier.model.SystemClock;
import io.pannier.model.SystemRandom;
import io.pannier.server.access.Authentication;
import io.pannier.server.settings.Settings;
import io.pannier.store.StoreRefused;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Starts the server on an embedded local store and runs until it is told to stop. */
@Command(
    name = "serve",
    description = "Start the server on an embedded local store.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Environment, most wanted first (each RS_X may also be spelled PANNIER_X):",
      "  RS_DATA_PATH     folder of the data, as --data",
      "  RS_HOST          address to listen on, as --host (0.0.0.0)",
      "  RS_PORT          port to listen on, as --port (8383)",
      "  RS_API_TOKEN     token with full access; without it the first start makes one",
      "  RS_DISABLE_AUTH  true: serve everybody without a token",
      "  RS_LOG_LEVEL     lowest level of log lines (INFO)",
      "  PANNIER_LOG_FORMAT  text or json (text)",
      "All of them are in docs/settings.md; \"pannier settings\" prints their values.",
      "",
      "Exit code 0 after a stop, 1 when something failed, 2 when the settings are refused.",
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

  private final Map<String, String> variables;

  ServeCommand() {
    this(System.getenv());
  }

  ServeCommand(Map<String, String> variables) {
    this.variables = variables;
  }

  @Override
  public Integer call() throws InterruptedException {
    long began = new SystemClock().monotonicNanos();
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    Settings.Outcome read = Environment.read(variables, data, host, port);
    Environment.banner(out, err, read.report());
    if (read.settings().isEmpty()) {
      err.println("The server does not start with these settings.");
      return ExitCodes.UNUSABLE;
    }
    Settings settings = read.settings().get();
    LogSetup.apply(settings.logs(), settings.logFormat());
    Path folder =
        settings.data().orElseGet(() -> DataFolder.of(variables)).toAbsolutePath().normalize();
    Optional<GeneratedToken.Found> generated = Optional.empty();
    Service service;
    try {
      if (settings.replicaInterval().isEmpty() || settings.remote().isPresent()) {
        Files.createDirectories(folder);
      }
      Authentication authentication;
      if (settings.authentication().isPresent()) {
        authentication = settings.authentication().get();
      } else {
        var token = GeneratedToken.in(folder, SystemRandom.secure());
        generated = Optional.of(token);
        authentication = new Authentication.Initial(token.value());
      }
      service =
          Service.start(folder, settings, settings.serverConfig(authentication, Main.VERSION));
    } catch (StoreRefused refused) {
      err.println("Data folder " + folder + " is refused: " + refused.getMessage());
      return ExitCodes.FAILED;
    } catch (AccessDeniedException denied) {
      err.println(
          "Data folder " + folder + " cannot be used: no permission for " + denied.getFile());
      return ExitCodes.FAILED;
    } catch (IOException | RuntimeException failed) {
      err.println("Server cannot start: " + reason(failed));
      return ExitCodes.FAILED;
    }
    var stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  SystemdNotify.stopping(variables);
                  service.close();
                  stopped.countDown();
                },
                "pannier-stop"));
    long millis = (new SystemClock().monotonicNanos() - began) / 1_000_000;
    out.printf(Locale.ROOT, "Pannier %s is ready (%d ms)%n", Main.VERSION, millis);
    out.println(
        "  address  "
            + (settings.tls().isPresent() ? "https://" : "http://")
            + inUrl(settings.host())
            + ":"
            + service.port());
    out.println(
        settings
            .remote()
            .map(remote ->
                "  data     s3://" + remote.bucket() + "/" + remote.prefix() + ", cache " + folder)
            .orElse("  data     " + folder));
    if (settings.replicaInterval().isPresent()) {
      out.println("  role     replica: follows the instance that writes, changes nothing");
    }
    generated.ifPresent(token -> {
      if (!service.accepts(token.value())) {
        out.println("  token    as it was changed through the API");
      } else if (token.isNew() && !variables.containsKey("JOURNAL_STREAM")) {
        out.println("  token    " + token.value());
        out.println(
            "           full access; kept in " + folder.resolve("token") + ", shown only now");
      } else { // The journal of the system is kept, and read by more people than the folder.
        out.println("  token    in " + folder.resolve("token"));
      }
    });
    out.flush();
    SystemdNotify.ready(variables);
    try {
      stopped.await();
    } finally {
      service.close();
    }
    return ExitCodes.OK;
  }

  private static String inUrl(String address) {
    return address.indexOf(':') < 0 ? address : "[" + address + "]";
  }

  private static String reason(Throwable failed) {
    Throwable cause = failed.getCause();
    String text = failed.getMessage();
    if (cause == null) {
      return text != null ? text : failed.toString();
    }
    String why = reason(cause);
    if (text == null || why.contains(text)) {
      return why;
    }
    return text.contains(why) ? text : text + ": " + why;
  }
}
