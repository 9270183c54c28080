package io.pannier.cli.client;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of every client command; before or after its words. */
final class Globals {
  @Option(
      names = {"-i", "--ignore-ssl"},
      description = "Ignore SSL certificate verification")
  boolean ignoreSsl;

  @Option(
      names = "--ca-cert",
      paramLabel = "<PATH>",
      description = "Path to a custom CA certificate bundle/file")
  @Nullable Path caCert;

  @Option(
      names = {"-T", "--timeout"},
      paramLabel = "<SECONDS>",
      description = "Timeout for requests (30)")
  @Nullable Integer timeout;

  @Option(
      names = {"-p", "--parallel"},
      paramLabel = "<COUNT>",
      description = "Entries that are handled at the same time (10)")
  @Nullable Integer parallel;

  @Option(
      names = {"-j", "--json"},
      description = "Print output in JSON format")
  boolean json;

  @Option(
      names = "--config",
      paramLabel = "<PATH>",
      description = "Configuration file (~/.reduct-cli/config.toml, or REDUCT_CONFIG)")
  @Nullable Path config;
}
