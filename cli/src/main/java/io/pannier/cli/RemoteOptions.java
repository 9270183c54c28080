package io.pannier.cli;

import io.pannier.client.Tls;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a command speaks to a running server. */
final class RemoteOptions {
  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      description =
          "Token with full access; others can see it in the list of processes. Better by"
              + " --token-file or the variable PANNIER_TOKEN.")
  private @Nullable String token;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "File that holds the token; - for standard input.")
  private @Nullable String tokenFile;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "PEM file with authorities to trust besides those of this machine.")
  private @Nullable Path authorities;

  @Option(names = "--insecure", description = "Do not check the certificate of the server.")
  private boolean insecure;

  /** Whether an argument is the address of a server rather than a folder. */
  static boolean isUrl(String argument) {
    return argument.startsWith("http://") || argument.startsWith("https://");
  }

  /**
   * A way to this server.
   *
   * @throws RemoteFailed when the address, the token or the authorities are of no use
   */
  Remote connect(String url, Map<String, String> variables) {
    URI base;
    try {
      base = URI.create(url);
    } catch (IllegalArgumentException malformed) {
      throw new RemoteFailed("Not an address: " + url, malformed);
    }
    if (base.getHost() == null) {
      throw new RemoteFailed("Not an address: " + url, null);
    }
    Tls tls =
        insecure
            ? Tls.unverified()
            : authorities == null ? Tls.usual() : Tls.withAuthorities(authorities);
    return new Remote(base, token(variables), tls.context());
  }

  private Optional<String> token(Map<String, String> variables) {
    if (token != null) {
      return Optional.of(token);
    }
    if (tokenFile != null) {
      try {
        String text =
            tokenFile.equals("-")
                ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                : Files.readString(Path.of(tokenFile));
        // The file of a generated token has its checksum behind it.
        String first = text.strip().lines().findFirst().orElse("").strip();
        return Optional.of(first.split("\\s+", 2)[0]);
      } catch (IOException unreadable) {
        throw new RemoteFailed("The token in " + tokenFile + " cannot be read", unreadable);
      }
    }
    String set =
        variables.getOrDefault("PANNIER_TOKEN", variables.getOrDefault("RS_API_TOKEN", ""));
    return set.isEmpty() ? Optional.empty() : Optional.of(set);
  }
}
