package io.pannier.cli.mcap;

import io.pannier.cli.ExitCodes;
import io.pannier.robotics.mcap.Compression;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord.Channel;
import io.pannier.robotics.mcap.McapRecord.Message;
import io.pannier.robotics.mcap.McapRecord.Schema;
import io.pannier.robotics.mcap.McapWriter;
import io.pannier.robotics.mcap.MessageCursor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code mcap cut}: some messages of a file as a new one; all of them mend a file that was cut. */
@Command(
    name = "cut",
    mixinStandardHelpOptions = true,
    description =
        "Write some messages into a new file, by log time, with an index; of a file that was cut short or damaged, what is good.",
    footer = {
      "",
      "Attachments and metadata are not taken over.",
      "pannier mcap cut drive.mcap imu.mcap -t /imu --from 2026-01-31T12:00:00Z --to 2026-01-31T12:01:00Z"
    })
final class McapCutCommand extends McapCommand.OfFile {
  @Parameters(index = "1", paramLabel = "TARGET", description = "The new file.")
  private @Nullable Path target;

  @Mixin private McapCommand.Wanted wanted = new McapCommand.Wanted();

  @Option(
      names = "--compression",
      defaultValue = "ZSTD",
      description = "Of the new file: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Compression compression = Compression.ZSTD;

  @Option(names = "--force", description = "Replace a file that is there.")
  private boolean force;

  @Override
  int run(McapReader reader, PrintWriter out) throws IOException {
    Path to = Objects.requireNonNull(target);
    if (Files.exists(to) && !force) {
      throw new ParameterException(
          spec().commandLine(), to + " is there already; --force replaces it");
    }
    MessageCursor cursor = reader.messages(wanted.selection(spec()));
    Path part = to.resolveSibling(to.getFileName() + ".part");
    long count = 0;
    try {
      try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(part), 1 << 20);
          var writer =
              new McapWriter(
                  file, McapWriter.Options.of(reader.header().profile()).with(compression))) {
        Map<Integer, Integer> channels = new HashMap<>();
        for (var found = cursor.next(); found != null; found = cursor.next()) {
          Message message = found.message();
          Integer known = channels.get(message.channelId());
          int channel = known != null ? known : channel(writer, found.channel(), found.schema());
          channels.put(message.channelId(), channel);
          writer.message(
              channel,
              message.sequence(),
              message.logTime(),
              message.publishTime(),
              message.data());
          count++;
        }
      }
      Files.move(part, to, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
    out.println(count + " messages, " + Files.size(to) + " bytes written to " + to);
    return ExitCodes.OK;
  }

  private static int channel(McapWriter writer, Channel channel, Optional<Schema> schema) {
    int schemaId =
        schema.map(each -> writer.schema(each.name(), each.encoding(), each.data())).orElse(0);
    return writer.channel(schemaId, channel.topic(), channel.messageEncoding(), channel.metadata());
  }
}
