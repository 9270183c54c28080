package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.pannier.model.BucketSettings;
import io.pannier.store.Store;
import io.pannier.store.TestStores;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code verify} and {@code describe} on real folders: what they print and what they tell the
 * shell.
 */
class OfflineCommandsTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeEach
  void fill() throws IOException {
    try (Store store = new TestStores(1).open(new RealDisk(folder))) {
      store
          .createBucket("cams", BucketSettings.DEFAULT)
          .entryForWrite("left")
          .write(TestStores.record(5, "body", "a", "x"));
    }
  }

  private int run(String... arguments) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  private void damage() throws IOException {
    Path block = folder.resolve("b/1/1/1.blk");
    byte[] bytes = Files.readAllBytes(block);
    bytes[bytes.length - 40] ^= 1;
    Files.write(block, bytes);
  }

  @Test
  void verifySaysThatAFolderIsSound() {
    assertThat(run("verify", folder.toString())).isZero();
    assertThat(out.toString())
        .contains("1 buckets, 1 entries, 1 blocks, 1 records")
        .contains("Nothing is damaged.");
  }

  @Test
  void verifyNamesTheDamagedRecord() throws IOException {
    damage();
    assertThat(run("verify", folder.toString())).isEqualTo(1);
    assertThat(out.toString()).contains("DAMAGE  b/1/1/1.blk  record 5");
  }

  @Test
  void verifyWritesJson() throws IOException {
    damage();
    assertThat(run("verify", "--json", folder.toString())).isEqualTo(1);
    List<String> lines = out.toString().lines().toList();
    var json = new ObjectMapper();
    assertThat(json.readTree(lines.getFirst()).get("finding").asText()).isEqualTo("DAMAGE");
    assertThat(json.readTree(lines.getLast()).get("clean").asBoolean()).isFalse();
  }

  @Test
  void verifyMakesNothingWhereThereIsNothing() {
    Path none = folder.resolve("none");
    assertThat(run("verify", none.toString())).isEqualTo(2);
    assertThat(none).doesNotExist();
    assertThat(run("verify", folder.resolve("b").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("not a Pannier store");
  }

  @Test
  void verifyWantsTheServerStopped() throws IOException {
    try (Store running = new TestStores(2).open(new RealDisk(folder))) {
      assertThat(running.buckets()).hasSize(1);
      assertThat(run("verify", folder.toString())).isEqualTo(2);
      assertThat(err.toString()).contains("in use");
      assertThat(run("verify", "--in-use", folder.toString())).isZero();
    }
  }

  @Test
  void describeFindsThingsByNameAndByPath() {
    assertThat(run("describe", "--data", folder.toString())).isZero();
    assertThat(out.toString()).contains("entry  name=left");
    for (String what :
        List.of("cams/left", "b/1/1/1.blk", "./b/1/1", folder.resolve("b/1/1/1.blk").toString())) {
      out.getBuffer().setLength(0);
      assertThat(run("describe", what, "--data", folder.toString())).as(what).isZero();
      assertThat(out.toString()).contains("timestamp=5").contains("labels={a=x}");
    }
    assertThat(run("describe", "nobody", "--data", folder.toString())).isEqualTo(2);
  }

  @Test
  void describeWritesJson() throws IOException {
    assertThat(run("describe", "cams/left", "--json", "--data", folder.toString())).isZero();
    var json = new ObjectMapper();
    var record =
        json.readTree(
            out.toString()
                .lines()
                .filter(line -> line.contains("\"record\""))
                .findFirst()
                .orElseThrow());
    assertThat(record.get("labels").get("a").asText()).isEqualTo("x");
    assertThat(record.get("timestamp").asLong()).isEqualTo(5);
  }
}
