package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.Json;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The command as a shell calls it, in this process, with a configuration file of its own. */
final class Cli {
  private final Path config;
  private String name = "pannier";

  Cli(Path folder) {
    config = folder.resolve("home/.reduct-cli/config.toml");
  }

  /** What a call printed and told the shell. */
  record Outcome(int exit, String out, String err) {}

  Path config() {
    return config;
  }

  Cli calledAs(String other) {
    name = other;
    return this;
  }

  Outcome run(String... words) {
    List<String> all = new ArrayList<>();
    if (words.length > 0
        && !List.of("completion", "man", "help", "nosuch", "tls").contains(words[0])) {
      all.addAll(List.of("--config", config.toString()));
    }
    all.addAll(List.of(words));
    var out = new StringWriter();
    var err = new StringWriter();
    int exit =
        Main.run(name, new PrintWriter(out), new PrintWriter(err), all.toArray(new String[0]));
    return new Outcome(exit, out.toString(), err.toString());
  }

  /** Standard output of a call that succeeds. */
  String ok(String... words) {
    Outcome outcome = run(words);
    assertThat(outcome.exit()).as("%s: %s", List.of(words), outcome.err()).isZero();
    return outcome.out().strip();
  }

  /** The same as JSON. */
  @Nullable Object json(String... words) {
    List<String> all = new ArrayList<>(List.of("--json"));
    all.addAll(List.of(words));
    return Json.parse(ok(all.toArray(new String[0])));
  }

  /** Standard error of a call that fails like this. */
  String fails(int exit, String... words) {
    Outcome outcome = run(words);
    assertThat(outcome.exit()).as("%s: %s", List.of(words), outcome.out()).isEqualTo(exit);
    return outcome.err();
  }

  /** The bytes that a call writes past the writers. */
  byte[] bytes(String... words) {
    var bytes = new ByteArrayOutputStream();
    PrintStream usual = System.out;
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      ok(words);
    } finally {
      System.setOut(usual);
    }
    return bytes.toByteArray();
  }
}
