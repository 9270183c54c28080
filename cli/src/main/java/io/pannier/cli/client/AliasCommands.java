package io.pannier.cli.client;

import io.pannier.client.Json;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code alias}: short names of servers. */
@Command(
    name = "alias",
    description = "Manage aliases for instance URLs",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      AliasCommands.Add.class,
      AliasCommands.Ls.class,
      AliasCommands.Show.class,
      AliasCommands.Rm.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class AliasCommands {
  /** {@code alias add}. */
  @Command(
      name = "add",
      description = "Add an alias",
      footer = {
        "",
        "A token on the command line can be seen by others on this machine (ps). Better: --token-file, --token-env or --ask-token."
      })
  static final class Add extends ClientCommand {
    @Parameters(paramLabel = "<NAME>", description = "The name of the alias to create")
    private String name = "";

    @Option(
        names = {"-L", "--url"},
        required = true,
        paramLabel = "<URL>",
        description = "The URL of the ReductStore instance")
    private String url = "";

    @Option(
        names = {"-t", "--token"},
        paramLabel = "<TOKEN>",
        description = "The token to use for authentication")
    private @Nullable String token;

    @Option(
        names = "--token-file",
        paramLabel = "<PATH>",
        description = "A file that holds the token; - for standard input")
    private @Nullable Path tokenFile;

    @Option(
        names = "--token-env",
        paramLabel = "<NAME>",
        description = "An environment variable that holds the token")
    private @Nullable String tokenVariable;

    @Option(names = "--ask-token", description = "Ask for the token on the terminal")
    private boolean askToken;

    @Override
    int run() throws IOException {
      AliasFile file = aliasFile();
      Map<String, Alias> aliases = file.read();
      if (aliases.containsKey(name)) {
        throw new Failure(Exit.CONFLICT, "Alias '" + name + "' already exists");
      }
      if (name.isEmpty() || name.indexOf('/') >= 0 || name.startsWith(".")) {
        throw Failure.value(name, "<NAME>", "a name must not begin with . or contain /");
      }
      URI address;
      try {
        address = URI.create(url);
      } catch (IllegalArgumentException malformed) {
        throw new Failure("invalid URL '" + Place.hidden(url) + "'");
      }
      if (address.getScheme() == null) {
        throw new Failure("relative URL without a base");
      }
      if (!Place.isUrl(url) || address.getHost() == null) {
        throw new Failure("'" + Place.hidden(url) + "' isn't a valid HTTP URL");
      }
      String given = Secrets.token(token, tokenFile, tokenVariable, askToken).orElse("");
      if (given.isEmpty() && address.getRawUserInfo() != null) {
        given = address.getRawUserInfo();
      }
      String stored = url.replaceFirst("//[^/@]*@", "//");
      Alias alias =
          new Alias(
              stored.endsWith("/") ? stored : stored + "/",
              given,
              globals.ignoreSsl,
              globals.timeout == null ? Alias.TIMEOUT : globals.timeout,
              globals.parallel == null ? Alias.PARALLEL : globals.parallel,
              Optional.ofNullable(globals.caCert).map(Path::toString));
      aliases.put(name, alias);
      file.write(aliases);
      print(alias.json(false), "");
      return Exit.OK;
    }
  }

  /** {@code alias ls}. */
  @Command(name = "ls", description = "List all aliases")
  static final class Ls extends ClientCommand {
    @Option(names = "--show-tokens", description = "With --json: the tokens, not ***")
    private boolean showTokens;

    @Override
    int run() {
      Map<String, Alias> aliases = aliasFile().read();
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      for (var alias : aliases.entrySet()) {
        json.put(alias.getKey(), alias.getValue().json(showTokens));
        if (!globals.json) {
          out().println(alias.getKey() + ": " + alias.getValue().url());
        }
      }
      print(json, "");
      return Exit.OK;
    }
  }

  /** {@code alias show}, of the oldest tool. */
  @Command(name = "show", description = "Show an alias")
  static final class Show extends ClientCommand {
    @Parameters(paramLabel = "<NAME>", description = "The name of the alias")
    private String name = "";

    @Option(
        names = {"-t", "--token", "--show-tokens"},
        description = "Show the token, too")
    private boolean showToken;

    @Override
    int run() {
      Alias alias = aliasFile().read().get(name);
      if (alias == null) {
        throw new Failure(Exit.NOT_FOUND, "Alias '" + name + "' does not exist");
      }
      print(
          alias.json(showToken),
          "Name: "
              + name
              + "\nURL: "
              + alias.url()
              + (showToken ? "\nToken: " + alias.token() : ""));
      return Exit.OK;
    }
  }

  /** {@code alias rm}. */
  @Command(name = "rm", description = "Remove an alias")
  static final class Rm extends ClientCommand {
    @Parameters(paramLabel = "<NAME>", description = "The name of the alias to remove")
    private String name = "";

    @Override
    int run() {
      AliasFile file = aliasFile();
      Map<String, Alias> aliases = file.read();
      if (aliases.remove(name) == null) {
        throw new Failure(Exit.NOT_FOUND, "Alias '" + name + "' does not exist");
      }
      file.write(aliases);
      done("");
      return Exit.OK;
    }
  }

  /** Where secrets come from that are not to be seen. */
  static final class Secrets {
    private Secrets() {}

    /** The one that was given; empty for none. */
    static Optional<String> token(
        @Nullable String value, @Nullable Path file, @Nullable String variable, boolean ask)
        throws IOException {
      if (value != null) {
        return Optional.of(value);
      }
      if (file != null) {
        String text =
            file.toString().equals("-")
                ? new String(System.in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
                : Files.readString(file);
        return Optional.of(text.strip());
      }
      if (variable != null) {
        String text = System.getenv(variable);
        if (text == null || text.isEmpty()) {
          throw new Failure("The environment variable " + variable + " is not set");
        }
        return Optional.of(text);
      }
      if (ask) {
        var console = Terminal.console();
        if (console == null) {
          throw new Failure("IO error: not a terminal");
        }
        char[] typed = console.readPassword("Token: ");
        return Optional.of(typed == null ? "" : new String(typed));
      }
      return Optional.empty();
    }
  }

  /** A condition on the command line. */
  static @Nullable Object condition(@Nullable String text) {
    if (text == null) {
      return null;
    }
    try {
      return Json.parse(text);
    } catch (IllegalArgumentException malformed) {
      throw new Failure("Failed to parse when parameter: " + malformed.getMessage());
    }
  }
}
