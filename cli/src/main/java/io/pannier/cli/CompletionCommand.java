package io.pannier.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code completion}: what a shell needs to complete commands and options. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = "Print what makes a shell complete this program's commands and options",
    footer = {
      "",
      "bash:  pannier completion bash > ~/.local/share/bash-completion/completions/pannier",
      "zsh:   pannier completion zsh > ~/.zfunc/_pannier    (with ~/.zfunc in fpath)",
      "fish:  pannier completion fish > ~/.config/fish/completions/pannier.fish"
    })
final class CompletionCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "<SHELL>", description = "bash, zsh or fish")
  private String shell = "";

  @Override
  public Integer call() {
    CommandSpec own = Objects.requireNonNull(spec);
    PrintWriter out = own.commandLine().getOut();
    CommandLine whole = Main.commandLine();
    String name = whole.getCommandName();
    switch (shell.toLowerCase(Locale.ROOT)) {
      case "bash" -> out.print(AutoComplete.bash(name, whole));
      case "zsh" -> {
        out.println("#compdef " + name);
        out.println("autoload -U +X bashcompinit && bashcompinit");
        out.print(AutoComplete.bash(name, whole));
      }
      case "fish" -> fish(out, name, whole);
      default -> {
        own.commandLine()
            .getErr()
            .println(
                "error: invalid value '" + shell + "' for '<SHELL>': expected bash, zsh or fish");
        return ExitCodes.UNUSABLE;
      }
    }
    out.flush();
    return ExitCodes.OK;
  }

  private static void fish(PrintWriter out, String name, CommandLine whole) {
    String none = "__fish_use_subcommand";
    for (var command : new TreeMap<>(whole.getSubcommands()).entrySet()) {
      fishWord(out, name, none, command.getKey(), command.getValue());
      String seen = "__fish_seen_subcommand_from " + command.getKey();
      var inner = new TreeMap<>(command.getValue().getSubcommands());
      if (inner.isEmpty()) {
        fishOptions(out, name, seen, command.getValue());
      }
      for (var word : inner.entrySet()) {
        String not =
            seen + "; and not __fish_seen_subcommand_from " + String.join(" ", inner.keySet());
        fishWord(out, name, not, word.getKey(), word.getValue());
        fishOptions(
            out,
            name,
            seen + "; and __fish_seen_subcommand_from " + word.getKey(),
            word.getValue());
      }
    }
  }

  private static void fishWord(
      PrintWriter out, String name, String condition, String word, CommandLine command) {
    String[] description = command.getCommandSpec().usageMessage().description();
    out.println(
        "complete -c "
            + name
            + " -f -n '"
            + condition
            + "' -a "
            + word
            + " -d '"
            + quoted(description.length == 0 ? "" : description[0])
            + "'");
  }

  private static void fishOptions(
      PrintWriter out, String name, String condition, CommandLine command) {
    for (OptionSpec option : command.getCommandSpec().options()) {
      if (option.hidden()) {
        continue;
      }
      var line = new StringBuilder("complete -c " + name + " -n '" + condition + "'");
      for (String spelled : option.names()) {
        line.append(spelled.startsWith("--") ? " -l " : " -s ");
        line.append(spelled.replaceFirst("^--?", ""));
      }
      if (option.arity().max() > 0) {
        line.append(" -r");
      }
      String[] description = option.description();
      line.append(" -d '").append(quoted(description.length == 0 ? "" : description[0]));
      out.println(line.append("'"));
    }
  }

  private static String quoted(String text) {
    return text.replace("\\", "\\\\").replace("'", "\\'");
  }
}
