package io.pannier.cli.client;

import io.pannier.client.ClientException;
import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import io.pannier.client.Tls;
import io.pannier.model.Clock;
import io.pannier.model.PannierException;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * A command that speaks to a server: finds it by alias or URL, prints, and turns what goes wrong
 * into one message and an exit code.
 */
@Command(mixinStandardHelpOptions = true)
abstract class ClientCommand implements Callable<Integer> {
  static final Clock CLOCK = new SystemClock();

  @Spec private @Nullable CommandSpec spec;
  @Mixin final Globals globals = new Globals();

  private @Nullable VisibleWriter out;
  private @Nullable VisibleWriter err;
  private final Deque<PannierClient> clients = new ArrayDeque<>();

  /** Does what the command is for; returns its exit code. */
  abstract int run() throws IOException;

  @Override
  public final Integer call() {
    try {
      return run();
    } catch (Failure failure) {
      if (failure.exit() == Exit.USAGE) {
        return usage(String.valueOf(failure.getMessage()));
      }
      return fail(1, String.valueOf(failure.getMessage()), "", failure.exit());
    } catch (ClientException refused) {
      int code = refused.code();
      String message = String.valueOf(refused.getMessage());
      return fail(code, message, "[" + Exit.name(code) + "] ", Exit.of(code));
    } catch (PannierException invalid) {
      return fail(1, String.valueOf(invalid.getMessage()), "", Exit.FAILED);
    } catch (UncheckedIOException | IOException failed) {
      return fail(1, text(failed), "", Exit.FAILED);
    } finally {
      clients.forEach(PannierClient::close);
      out().flush();
      err().flush();
    }
  }

  /** A failure of input or output with its cause, as people can read it. */
  static String text(Exception failed) {
    Throwable cause = failed.getCause();
    String why = String.valueOf(failed.getMessage());
    if (failed instanceof java.nio.file.NoSuchFileException) {
      return why + ": no such file or folder";
    }
    if (failed instanceof java.nio.file.AccessDeniedException) {
      return why + ": permission denied";
    }
    return cause instanceof IOException inner && !why.contains(String.valueOf(inner.getMessage()))
        ? why + ": " + text(inner)
        : why;
  }

  private int fail(int status, String message, String prefix, int exit) {
    if (globals.json) {
      Map<String, @Nullable Object> error = new LinkedHashMap<>();
      error.put("status_code", status);
      error.put("error_message", message);
      err().println(Json.write(error));
    } else {
      err().println(prefix + message);
    }
    return exit;
  }

  private int usage(String message) {
    err().println("error: " + message);
    err().println();
    err().println("For more information, try '--help'.");
    return Exit.USAGE;
  }

  final VisibleWriter out() {
    if (out == null) {
      out = new VisibleWriter(Objects.requireNonNull(spec).commandLine().getOut(), false);
    }
    return out;
  }

  final VisibleWriter err() {
    if (err == null) {
      err = new VisibleWriter(Objects.requireNonNull(spec).commandLine().getErr(), true);
    }
    return err;
  }

  /** Prints a value with {@code --json}, else a text. */
  final void print(@Nullable Object json, String text) {
    if (globals.json) {
      out().println(Json.write(json));
    } else if (!text.isEmpty()) {
      out().println(text);
    }
  }

  /** What a command that changed something prints. */
  final void done(String text) {
    print(Map.of(), text);
  }

  // Servers.

  final AliasFile aliasFile() {
    return AliasFile.of(globals.config, System.getenv());
  }

  /** The token for addresses that carry none. */
  private static String usualToken() {
    Map<String, String> environment = System.getenv();
    return environment.getOrDefault("REDUCT_TOKEN", "");
  }

  final Place place(String text, String parameter) {
    return Place.parse(text, parameter, aliasFile().read(), usualToken());
  }

  /** A path that has to name a server. */
  final Place.Instance instance(String text) {
    if (place(text, "<ALIAS_OR_URL>") instanceof Place.Instance instance) {
      return instance;
    }
    throw new Failure("'" + Place.hidden(text) + "' isn't an alias or a valid URL");
  }

  /** A path that has to name something on a server. */
  final Place.Resource resource(String text, String parameter) {
    return switch (place(text, parameter)) {
      case Place.Resource resource -> resource;
      case Place.Entry entry -> entry.bucket();
      case Place.Instance _, Place.Local _ -> throw Failure.value(Place.hidden(text), parameter);
    };
  }

  /**
   * A path that has to name an entry; with a URL, whose last segments are then bucket and entry.
   */
  final Place.Entry entry(String text) {
    Place place = place(text, "<ENTRY_PATH>");
    if (place instanceof Place.Entry entry) {
      return entry;
    }
    if (place instanceof Place.Resource resource && Place.isUrl(text)) {
      String base = resource.instance().text();
      String trimmed = base.substring(0, base.length() - 1);
      int slash = trimmed.lastIndexOf('/');
      if (slash > "https://".length()) {
        String address = trimmed.substring(0, slash + 1);
        Alias alias = Alias.of(address, resource.instance().alias().token());
        return new Place.Entry(
            new Place.Resource(new Place.Instance(address, alias), trimmed.substring(slash + 1)),
            resource.name());
      }
    }
    throw new Failure("ENTRY_PATH must be alias/bucket/path/to/entry");
  }

  /** A client of a server; the command line goes before what is stored with an alias. */
  final PannierClient client(Place.Instance instance) {
    Alias alias = instance.alias();
    int timeout = globals.timeout != null ? globals.timeout : alias.timeout();
    if (timeout <= 0) {
      throw Failure.value("" + timeout, "--timeout <SECONDS>", "must be positive");
    }
    Duration time = Duration.ofSeconds(timeout);
    PannierClient.Builder builder;
    try {
      builder = PannierClient.builder(alias.url());
    } catch (IllegalArgumentException malformed) {
      throw new Failure(
          "'" + Place.hidden(instance.text()) + "' isn't an alias or a valid HTTP URL");
    }
    builder.token(alias.token()).timeout(time).connectTimeout(time);
    if (alias.url().startsWith("https")) {
      Path authorities =
          globals.caCert != null ? globals.caCert : alias.caCert().map(Path::of).orElse(null);
      if (globals.ignoreSsl || alias.ignoreSsl()) {
        builder.tls(Tls.unverified());
      } else if (authorities != null) {
        builder.tls(Tls.withAuthorities(authorities));
      }
    }
    PannierClient client = builder.build();
    clients.add(client);
    return client;
  }

  final PannierClient client(String aliasOrUrl) {
    return client(instance(aliasOrUrl));
  }

  /** How many entries are handled at the same time. */
  final int parallel(Place.Instance instance) {
    int count = globals.parallel != null ? globals.parallel : instance.alias().parallel();
    if (count <= 0) {
      throw Failure.value("" + count, "--parallel <COUNT>", "must be positive");
    }
    return count;
  }

  /** A time on the command line; null stays null. */
  static @Nullable Long time(@Nullable String text) {
    return text == null
        ? null
        : (Long) Times.parse(text, CLOCK.wallMicros(), ZoneId.systemDefault());
  }

  /**
   * Asks whether it is meant, unless that was said already.
   *
   * @return false when it is not
   */
  final boolean confirm(boolean yes, String question) {
    if (yes) {
      return true;
    }
    var console = Terminal.console();
    if (console == null) {
      throw new Failure("IO error: not a terminal (say --yes to go on without being asked)");
    }
    String answer = console.readLine("%s [y/N] ", VisibleWriter.visible(question));
    return answer != null && answer.strip().toLowerCase(java.util.Locale.ROOT).startsWith("y");
  }
}
