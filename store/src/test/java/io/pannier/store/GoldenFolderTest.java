package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A folder that was written when this format version was new is read to the last label, and can be
 * written to.
 */
class GoldenFolderTest {
  @TempDir Path folder;

  private static InputStream resource(String name) {
    return Objects.requireNonNull(GoldenFolderTest.class.getResourceAsStream("/golden/" + name));
  }

  @BeforeEach
  void unpack() throws IOException {
    try (var zip = new ZipInputStream(resource("format-1.zip"))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Path path = folder.resolve(entry.getName());
        if (entry.isDirectory()) {
          Files.createDirectories(path);
        } else {
          Files.write(path, zip.readAllBytes());
        }
      }
    }
  }

  private static String expected() throws IOException {
    try (InputStream text = resource("format-1.txt")) {
      return new String(text.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private Verification verify() throws IOException {
    try (RealDisk disk = RealDisk.forReading(folder)) {
      return Verifier.run(disk, Verifier.Progress.NONE);
    }
  }

  @Test
  void itHoldsWhatItHeld() throws IOException {
    var stores = new TestStores(1);
    try (Store store = stores.open(new RealDisk(folder))) {
      assertThat(GoldenFolder.listing(store)).isEqualTo(expected());
    }
    try (Store again = stores.open(new RealDisk(folder))) {
      assertThat(GoldenFolder.listing(again)).isEqualTo(expected());
    }
    assertThat(stores.events).isEmpty();
  }

  @Test
  void itIsUndamagedAndNamesItsPastLoss() throws IOException {
    assertThat(verify().findings())
        .isNotEmpty()
        .allMatch(finding -> finding.kind() == Verification.Kind.PAST_LOSS)
        .allMatch(finding -> finding.path().endsWith(".blk"));
  }

  @Test
  void itCanBeWrittenTo() throws IOException {
    var stores = new TestStores(1);
    try (Store store = stores.open(new RealDisk(folder))) {
      Bucket bucket = store.bucket("plain");
      Entry entry = bucket.entry("machine/sensors");
      for (int i = 0; i < 20; i++) {
        entry.write(TestStores.record(5_000 + i, "new " + i));
        stores.scheduler.runDue();
      }
      entry.remove(1_050);
      bucket.removeEntry("large");
      stores.scheduler.advanceMillis(20_000);
      assertThat(TestStores.text(entry.find(5_019))).isEqualTo("new 19");
    }
    assertThat(verify().isClean()).isTrue();
    assertThat(stores.events).isEmpty();
  }

  @Test
  void everythingInItHasADescription() throws IOException {
    var lines = new StringBuilder();
    try (RealDisk disk = RealDisk.forReading(folder)) {
      for (String what :
          new String[] {
            "", "plain", "plain/machine/sensors", "plain/power-cut", "plain/disordered", "ring/e"
          }) {
        Describer.describe(disk, what, line -> lines.append(line.text()).append('\n'));
      }
    }
    assertThat(lines.toString())
        .contains(
            "format  ",
            "journal  ",
            "snapshot-end  ",
            "clean-stop  ",
            "block  ",
            "record  ",
            "removal  ",
            "hole  ")
        .contains(
            "name=machine/sensors",
            "reordered=true",
            "labels={added=\"later still\"",
            "quotaType=FIFO")
        .doesNotContain("unreadable", "problem", "rest ", "frame-of-kind");
  }
}
