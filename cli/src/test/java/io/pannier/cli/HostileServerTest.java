package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.client.Body;
import io.pannier.client.Bucket;
import io.pannier.client.BucketOptions;
import io.pannier.client.Outgoing;
import io.pannier.client.PannierClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server says it has may neither leave the folder of an export nor steer a terminal. */
class HostileServerTest {
  @TempDir Path folder;
  private LiveServer server;
  private RecordingProxy proxy;
  private Cli cli;

  @BeforeEach
  void start() throws IOException {
    server = LiveServer.ours(folder.resolve("data"));
    proxy = new RecordingProxy(server.port());
    cli = new Cli(folder);
    cli.ok("alias", "add", "evil", "-L", proxy.url(), "-t", LiveServer.TOKEN);
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    server.close();
  }

  private void write(String entry, String type) {
    try (var client = PannierClient.connect(server.url(), LiveServer.TOKEN)) {
      Bucket bucket = client.getOrCreateBucket("b", BucketOptions.unchanged());
      bucket.write(entry, Outgoing.of(1, Body.of("x")).type(type).labels("l", "label-x"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"files", "tar", "mcap"})
  void noEntryLeavesTheFolder(String format) throws IOException {
    write("aa_aa_evil", "text/plain");
    write("good", "text/plain");
    proxy.disguise("aa_aa_evil", "../../evil");
    Path out = folder.resolve("some/out");
    Cli.Outcome outcome = cli.run("cp", "evil/b", out.toString(), "--format", format, "-m");
    assertThat(outcome.exit()).as(outcome.err()).isIn(1, 7);
    assertThat(outcome.err()).contains("Entry '../../evil' has a name that is no folder's");
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.filter(file -> !file.startsWith(folder.resolve("data"))))
          .noneMatch(file -> file.toString().contains("evil"));
    }
  }

  @Test
  void nothingThatItSaysSteersTheTerminal() {
    write("entry_aaaaaa", "x/hostile-t");
    proxy.disguise("entry_aaaaaa", "entry_\\u001B");
    proxy.disguise("x/hostile-t", "x/\u001b]0;own\u009b\u0007");
    List<String[]> questions =
        List.of(
            new String[] {"ls", "evil/b"},
            new String[] {"bucket", "show", "evil/b", "--full"},
            new String[] {"du", "evil/b"},
            new String[] {"du", "evil/b", "-j"});
    for (String[] question : questions) {
      assertThat(cli.ok(question))
          .as("%s", List.of(question))
          .contains("entry_\\u001B")
          .doesNotContain("\u001b");
    }
    for (String[] question :
        List.of(
            new String[] {"query", "evil/b", "-n", "entry*"},
            new String[] {"query", "evil/b", "-n", "entry*", "-j"})) {
      Cli.Outcome outcome = cli.run(question);
      assertThat(outcome.out() + outcome.err())
          .as("%s", List.of(question))
          .isNotBlank()
          .doesNotContain("\u001b")
          .doesNotContain("\u009b")
          .doesNotContain("\u0007");
    }
  }
}
