package io.pannier.cli.client;

import picocli.CommandLine.Command;

/** {@code export}, as the oldest tool had it. */
@Command(
    name = "export",
    description = "Export records into files or another bucket (older spelling of cp)",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ExportCommands.Folder.class,
      ExportCommands.IntoBucket.class,
      picocli.CommandLine.HelpCommand.class
    })
public final class ExportCommands {
  /** {@code export folder}. */
  @Command(name = "folder", description = "Export records into files below a folder")
  static final class Folder extends CopyCommand {
    @Override
    boolean isFolder() {
      return true;
    }

    @Override
    boolean isOld() {
      return true;
    }
  }

  /** {@code export bucket}. */
  @Command(name = "bucket", description = "Copy records into another bucket")
  static final class IntoBucket extends CopyCommand {}
}
