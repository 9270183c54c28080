package io.pannier.cli.mcap;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.client.VisibleWriter;
import io.pannier.robotics.mcap.McapException;
import io.pannier.robotics.mcap.McapReader;
import io.pannier.robotics.mcap.McapRecord;
import io.pannier.robotics.mcap.MessageSelection;
import io.pannier.robotics.mcap.RangeSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code mcap}: what can be done with an MCAP file alone. */
@Command(
    name = "mcap",
    mixinStandardHelpOptions = true,
    description = "Look into MCAP files, print their messages, and cut them by topic and time.",
    subcommands = {McapInfoCommand.class, McapCatCommand.class, McapCutCommand.class})
public final class McapCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    CommandSpec own = Objects.requireNonNull(spec);
    throw new ParameterException(own.commandLine(), "Say what to do: info, cat or cut");
  }

  /** What the commands share: the file, and how failures are told. */
  abstract static class OfFile implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "An MCAP file; one that was cut short, too.")
    private @Nullable Path file;

    @Spec private @Nullable CommandSpec spec;

    abstract int run(McapReader reader, PrintWriter out) throws IOException;

    CommandSpec spec() {
      return Objects.requireNonNull(spec);
    }

    Path file() {
      return Objects.requireNonNull(file);
    }

    @Override
    public final Integer call() {
      PrintWriter out = new VisibleWriter(spec().commandLine().getOut(), false);
      PrintWriter err = new VisibleWriter(spec().commandLine().getErr(), true);
      try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.READ)) {
        McapReader reader = McapReader.open(RangeSource.of(channel));
        int code = run(reader, out);
        reader
            .summary()
            .damage()
            .ifPresent(damage -> err.println("warning: " + damage.getMessage()));
        return reader.summary().damage().isPresent() ? ExitCodes.DAMAGE : code;
      } catch (NoSuchFileException missing) {
        err.println("error: there is no " + file());
      } catch (McapException damaged) {
        err.println("error: " + file() + ": " + damaged.getMessage());
        return ExitCodes.DAMAGE;
      } catch (IOException failed) {
        err.println("error: " + (Files.isDirectory(file()) ? file() + " is a folder" : failed));
      } finally {
        out.flush();
        err.flush();
      }
      return ExitCodes.UNUSABLE;
    }
  }

  /** Which messages are meant. */
  static final class Wanted {
    @Option(
        names = {"-t", "--topic"},
        paramLabel = "TOPIC",
        description = "Only these topics; a regular expression for the whole name. Repeatable.")
    private List<String> topics = List.of();

    @Option(
        names = "--from",
        paramLabel = "TIME",
        description = "From this log time on: nanoseconds since 1970, or 2026-01-31T12:00:00Z.")
    private String from = "";

    @Option(names = "--to", paramLabel = "TIME", description = "Up to this log time, exclusive.")
    private String to = "";

    MessageSelection selection(CommandSpec spec) {
      List<Pattern> patterns = topics.stream().map(Pattern::compile).toList();
      Predicate<McapRecord.Channel> channels =
          channel ->
              patterns.isEmpty()
                  || patterns.stream().anyMatch(each -> each.matcher(channel.topic()).matches());
      long start = from.isEmpty() ? 0 : nanos(spec, "--from", from);
      long end = to.isEmpty() ? MessageSelection.UNBOUNDED : nanos(spec, "--to", to) - 1;
      return MessageSelection.all().where(channels).between(start, end);
    }

    private static long nanos(CommandSpec spec, String option, String text) {
      try {
        if (text.matches("\\d+")) {
          return Long.parseUnsignedLong(text);
        }
        Instant instant = Instant.parse(text);
        return Math.addExact(
            Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L), instant.getNano());
      } catch (DateTimeException | NumberFormatException | ArithmeticException malformed) {
        throw new ParameterException(
            spec.commandLine(),
            option
                + ": nanoseconds since 1970 or a time like 2026-01-31T12:00:00Z, not '"
                + text
                + "'",
            malformed);
      }
    }
  }
}
