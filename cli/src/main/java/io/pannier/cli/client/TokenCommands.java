package io.pannier.cli.client;

import io.pannier.client.CreatedToken;
import io.pannier.client.Json;
import io.pannier.client.PannierClient;
import io.pannier.client.Permissions;
import io.pannier.client.TokenInfo;
import io.pannier.client.TokenOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code token}. */
@Command(
    name = "token",
    description = "Manage access tokens",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TokenCommands.Create.class,
      TokenCommands.Ls.class,
      TokenCommands.Rotate.class,
      TokenCommands.Show.class,
      TokenCommands.Rm.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class TokenCommands {
  private static final String PATH =
      "Path to a token (e.g. SERVER_ALIAS/TOKEN or http://localhost:8383/TOKEN)";

  /** What makes a token. */
  abstract static class Making extends ClientCommand {
    @Parameters(index = "0", paramLabel = "<TOKEN_PATH>", description = PATH)
    String path = "";

    @Option(
        names = {"-o", "--output"},
        paramLabel = "<PATH>",
        description =
            "Write the value into a new file that only you may read, instead of showing it")
    private @Nullable Path output;

    final int tell(String name, String what, CreatedToken token) throws IOException {
      if (output != null) {
        var owner =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try (var channel =
            Files.newByteChannel(
                output,
                EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                owner)) {
          channel.write(
              java.nio.ByteBuffer.wrap(
                  (token.value() + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        }
        print(
            Map.of("file", output.toString()), "Token '" + name + "' " + what + ": see " + output);
        return Exit.OK;
      }
      Map<String, @Nullable Object> json = new LinkedHashMap<>();
      json.put("value", token.value());
      json.put("created_at", token.createdAt().map(Instant::toString).orElse(null));
      print(json, "Token '" + name + "' " + what + ": " + token.value());
      return Exit.OK;
    }

    /** Before anything is made whose value could not be kept. */
    final void checkOutput() {
      if (output != null && Files.exists(output)) {
        throw new Failure("File " + output + " exists");
      }
    }
  }

  /** {@code token create}. */
  @Command(name = "create", description = "Create an access token")
  static final class Create extends Making {
    @Option(
        names = {"-A", "--full-access"},
        description = "Give full access to the token")
    private boolean full;

    @Option(
        names = {"-r", "--read-bucket", "--read"},
        arity = "1..*",
        split = ",",
        paramLabel = "<BUCKET>",
        description = "Bucket to give read access to. Can be used multiple times")
    private @Nullable List<String> read;

    @Option(
        names = {"-w", "--write-bucket", "--write"},
        arity = "1..*",
        split = ",",
        paramLabel = "<BUCKET>",
        description = "Bucket to give write access to. Can be used multiple times")
    private @Nullable List<String> write;

    @Option(
        names = "--ttl",
        paramLabel = "<DURATION>",
        description = "Inactivity TTL duration (e.g. 1h, 2d, 30m)")
    private @Nullable String ttl;

    @Option(
        names = "--expires-at",
        paramLabel = "<RFC3339>",
        description = "Expiration date in RFC3339 format (e.g. 2026-04-05T12:00:00Z)")
    private @Nullable String expiresAt;

    @Option(
        names = "--expires-in",
        paramLabel = "<DURATION>",
        description = "Relative expiry duration (e.g. 1h, 2d, 30m)")
    private @Nullable String expiresIn;

    @Option(
        names = "--ip-allow",
        arity = "1..*",
        split = ",",
        paramLabel = "<IP_OR_CIDR>",
        description = "Allowed source IP or CIDR. Can be used multiple times")
    private @Nullable List<String> addresses;

    @Override
    int run() throws IOException {
      checkOutput();
      TokenOptions options =
          TokenOptions.of(
              new Permissions(
                  full,
                  Objects.requireNonNullElse(read, List.of()),
                  Objects.requireNonNullElse(write, List.of())));
      if (ttl != null) {
        options = options.unusedFor(Times.duration(ttl, "--ttl"));
      }
      if (expiresAt != null && expiresIn != null) {
        throw new Failure(
            Exit.USAGE,
            "the argument '--expires-at <RFC3339>' cannot be used with '--expires-in <DURATION>'");
      }
      if (expiresAt != null) {
        try {
          options = options.expiringAt(OffsetDateTime.parse(expiresAt).toInstant());
        } catch (DateTimeException malformed) {
          throw new Failure(
              "invalid --expires-at '" + expiresAt + "': expected a date in RFC 3339");
        }
      }
      if (expiresIn != null) {
        Instant now = Instant.ofEpochSecond(CLOCK.wallMicros() / 1_000_000);
        options = options.expiringAt(now.plus(Times.duration(expiresIn, "--expires-in")));
      }
      if (addresses != null) {
        options = options.onlyFrom(addresses.toArray(new String[0]));
      }
      Place.Resource token = resource(path, "<TOKEN_PATH>");
      return tell(
          token.name(), "created", client(token.instance()).createToken(token.name(), options));
    }
  }

  /** {@code token rotate}. */
  @Command(name = "rotate", description = "Rotate an access token value")
  static final class Rotate extends Making {
    @Override
    int run() throws IOException {
      checkOutput();
      Place.Resource token = resource(path, "<TOKEN_PATH>");
      return tell(token.name(), "rotated", client(token.instance()).rotateToken(token.name()));
    }
  }

  private static String status(TokenInfo token) {
    return token.isExpired() ? "❌ Expired" : "✅ Valid";
  }

  /** {@code token ls}. */
  @Command(name = "ls", description = "List access tokens")
  static final class Ls extends ListingCommand<TokenInfo> {
    @Override
    @Nullable Object json(PannierClient client) {
      return Json.parseObject(client.call("GET", "tokens", "")).get("tokens");
    }

    @Override
    List<TokenInfo> all(PannierClient client) {
      return client.tokens();
    }

    @Override
    String name(TokenInfo token) {
      return token.name();
    }

    @Override
    Table table(List<TokenInfo> tokens) {
      var table =
          new Table(
              "Name",
              "Provisioned",
              "Status",
              "Expires At (UTC)",
              "TTL (s)",
              "Last Access (UTC)",
              "IP Allowlist");
      for (TokenInfo token : tokens) {
        table.row(
            token.name(),
            BucketCommands.mark(token.isProvisioned()),
            status(token),
            token.expiresAt().map(Times::seconds).orElse("-"),
            token.ttl().map(time -> "" + time.toSeconds()).orElse("-"),
            token.lastAccess().map(Times::seconds).orElse("-"),
            token.allowedAddresses().isEmpty() ? "-" : String.join(", ", token.allowedAddresses()));
      }
      return table;
    }
  }

  /** {@code token show}. */
  @Command(name = "show", description = "Show token details")
  static final class Show extends ClientCommand {
    @Parameters(paramLabel = "<TOKEN_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource resource = resource(path, "<TOKEN_PATH>");
      PannierClient client = client(resource.instance());
      if (globals.json) {
        out().println(Json.write(Json.parse(client.call("GET", "tokens/" + resource.name(), ""))));
        return Exit.OK;
      }
      TokenInfo token = client.token(resource.name());
      var out = out();
      out.println("Token: " + token.name());
      out.println(
          "Created: "
              + token.createdAt().map(time -> time.toString().substring(0, 10)).orElse("-"));
      out.println("Provisioned: " + BucketCommands.mark(token.isProvisioned()));
      out.println("Status: " + status(token));
      out.println("Expires At: " + token.expiresAt().map(Times::seconds).orElse("-"));
      out.println("TTL: " + token.ttl().map(time -> "" + time.toSeconds()).orElse("-"));
      out.println("Last Access: " + token.lastAccess().map(Times::seconds).orElse("-"));
      out.println("IP Allowlist: " + list(token.allowedAddresses()));
      out.println("Full Access: " + BucketCommands.mark(token.permissions().fullAccess()));
      out.println("Read Buckets: " + list(token.permissions().read()));
      out.println("Write Buckets: " + list(token.permissions().write()));
      return Exit.OK;
    }
  }

  /** Names as {@code reduct-cli} shows lists. */
  static String list(List<String> items) {
    return Json.write(items).replace("\",\"", "\", \"");
  }

  /** {@code token rm}. */
  @Command(name = "rm", description = "Remove an access token")
  static final class Rm extends RemovalCommand {
    @Parameters(paramLabel = "<TOKEN_PATH>", description = PATH)
    private String path = "";

    @Override
    int run() {
      Place.Resource token = resource(path, "<TOKEN_PATH>");
      PannierClient client = client(token.instance());
      return remove("token", token.name(), () -> client.removeToken(token.name()));
    }
  }
}
