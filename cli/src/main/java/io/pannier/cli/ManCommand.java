package io.pannier.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code man}: manual pages, one a command, made from what the help says. */
@Command(
    name = "man",
    mixinStandardHelpOptions = true,
    description = "Write the manual pages, or show one",
    footer = {
      "",
      "pannier man | man -l -                          this program's own page",
      "pannier man bucket-create | man -l -            that of a command",
      "pannier man --out ~/.local/share/man/man1       all of them, as files"
    })
final class ManCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "<PAGE>",
      description = "A command's words with - between them; the program's own page if not given")
  private @Nullable String page;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "<FOLDER>",
      description = "Write all pages into this folder")
  private @Nullable Path folder;

  @Override
  public Integer call() throws IOException {
    CommandSpec own = Objects.requireNonNull(spec);
    PrintWriter out = own.commandLine().getOut();
    CommandLine whole = Main.commandLine();
    Map<String, CommandLine> pages = new LinkedHashMap<>();
    collect(whole.getCommandName(), whole, pages);
    if (folder != null) {
      Files.createDirectories(folder);
      for (var entry : pages.entrySet()) {
        Files.writeString(
            folder.resolve(entry.getKey() + ".1"), text(entry.getKey(), entry.getValue(), pages));
      }
      out.println(pages.size() + " pages written to " + folder);
      out.flush();
      return ExitCodes.OK;
    }
    String name = whole.getCommandName() + (page == null ? "" : "-" + page);
    CommandLine wanted = pages.get(name);
    if (wanted == null) {
      own.commandLine()
          .getErr()
          .println("error: invalid value '" + page + "' for '<PAGE>': there is no such command");
      return ExitCodes.UNUSABLE;
    }
    out.print(text(name, wanted, pages));
    out.flush();
    return ExitCodes.OK;
  }

  private static void collect(String name, CommandLine command, Map<String, CommandLine> pages) {
    pages.put(name, command);
    for (var inner : command.getSubcommands().entrySet()) {
      boolean isAlias = !inner.getKey().equals(inner.getValue().getCommandName());
      if (!inner.getKey().equals("help") && !isAlias) {
        collect(name + "-" + inner.getKey(), inner.getValue(), pages);
      }
    }
  }

  private static String text(String name, CommandLine command, Map<String, CommandLine> pages) {
    var page = new StringBuilder();
    CommandSpec spec = command.getCommandSpec();
    page.append(".TH ").append(roff(name.toUpperCase(java.util.Locale.ROOT)));
    page.append(" 1 \"\" \"pannier ").append(Main.VERSION).append("\"\n");
    page.append(".SH NAME\n").append(roff(name)).append(" \\- ");
    page.append(roff(String.join(" ", spec.usageMessage().description()))).append('\n');
    page.append(".SH SYNOPSIS\n.nf\n");
    page.append(roff(command.getHelp().synopsis(0).strip())).append("\n.fi\n");
    section(
        page, "ARGUMENTS", spec.positionalParameters().stream().filter(p -> !p.hidden()).toList());
    section(page, "OPTIONS", spec.options().stream().filter(o -> !o.hidden()).toList());
    var inner =
        pages.keySet().stream()
            .filter(other -> other.startsWith(name + "-"))
            .filter(other -> pages.get(other) != null && isChild(command, pages.get(other)))
            .toList();
    if (!inner.isEmpty()) {
      page.append(".SH COMMANDS\n");
      for (String other : inner) {
        CommandLine child = Objects.requireNonNull(pages.get(other));
        page.append(".TP\n.BR ").append(roff(other)).append(" (1)\n");
        page.append(roff(String.join(" ", child.getCommandSpec().usageMessage().description())));
        page.append('\n');
      }
    }
    String[] footer = spec.usageMessage().footer();
    if (footer.length > 0) {
      page.append(".SH NOTES\n.nf\n");
      for (String line : footer) {
        page.append(roff(line)).append('\n');
      }
      page.append(".fi\n");
    }
    return page.toString();
  }

  private static boolean isChild(CommandLine parent, CommandLine child) {
    return parent.getSubcommands().containsValue(child);
  }

  private static void section(
      StringBuilder page, String title, java.util.List<? extends ArgSpec> arguments) {
    if (arguments.isEmpty()) {
      return;
    }
    page.append(".SH ").append(title).append('\n');
    for (ArgSpec argument : arguments) {
      String head =
          argument instanceof OptionSpec option
              ? String.join(", ", option.names())
                  + (option.arity().max() > 0 ? " " + option.paramLabel() : "")
              : ((PositionalParamSpec) argument).paramLabel();
      page.append(".TP\n\\fB").append(roff(head)).append("\\fR\n");
      page.append(roff(String.join(" ", argument.description()))).append('\n');
    }
  }

  /** A text that roff takes as it is. */
  private static String roff(String text) {
    return text.lines()
        .map(line -> line.replace("\\", "\\e").replace("-", "\\-"))
        .map(line -> line.startsWith(".") || line.startsWith("'") ? "\\&" + line : line)
        .collect(java.util.stream.Collectors.joining("\n"));
  }
}
