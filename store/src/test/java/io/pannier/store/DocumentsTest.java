package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.PannierException;
import io.pannier.store.disk.CountingDisk;
import io.pannier.store.disk.Counts;
import io.pannier.store.disk.CrashMode;
import io.pannier.store.disk.Fault;
import io.pannier.store.disk.FaultyDisk;
import io.pannier.store.disk.MemoryDisk;
import io.pannier.store.disk.RealDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Documents survive what records survive. */
class DocumentsTest {
  @TempDir Path folder;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private Store open() throws IOException {
    return new TestStores(3).open(new RealDisk(folder));
  }

  private static String text(Store store, String name) {
    return store
        .documents()
        .load(name)
        .map(found -> new String(found, StandardCharsets.UTF_8))
        .orElse("none");
  }

  @Test
  void theLastSavedTextIsThereAfterAStart() throws IOException {
    try (Store store = open()) {
      assertThat(text(store, "tokens")).isEqualTo("none");
      store.documents().save("tokens", bytes("first"));
      store.documents().save("tokens", bytes("second"));
      store.documents().save("policies", new byte[0]);
      assertThat(text(store, "tokens")).isEqualTo("second");
    }
    try (Store store = open()) {
      assertThat(text(store, "tokens")).isEqualTo("second");
      assertThat(text(store, "policies")).isEmpty();
    }
  }

  @Test
  void onlyTheOwnerMayLook() throws IOException {
    try (Store store = open()) {
      store.documents().save("tokens", bytes("secret"));
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("c"))))
        .isEqualTo("rwx------");
  }

  @Test
  void oneDamagedCopyIsMendedFromTheOtherAndBothAreAnError() throws IOException {
    try (Store store = open()) {
      store.documents().save("tokens", bytes("kept"));
    }
    for (String copy : new String[] {"a", "b"}) {
      flip(folder.resolve("c/tokens." + copy), 66);
      assertThat(verify()).containsExactly("DAMAGE c/tokens." + copy);
      try (Store store = open()) {
        assertThat(text(store, "tokens")).isEqualTo("kept");
      }
      assertThat(verify()).isEmpty();
    }
    flip(folder.resolve("c/tokens.a"), 3);
    flip(folder.resolve("c/tokens.b"), 64);
    try (Store store = open()) {
      assertThatThrownBy(() -> store.documents().load("tokens"))
          .isInstanceOf(PannierException.Damaged.class)
          .hasMessageContaining("tokens");
    }
  }

  @Test
  void aCopyOfAnOlderGenerationGivesWay() throws IOException {
    try (Store store = open()) {
      store.documents().save("tokens", bytes("old"));
    }
    byte[] old = Files.readAllBytes(folder.resolve("c/tokens.b"));
    try (Store store = open()) {
      store.documents().save("tokens", bytes("new"));
    }
    Files.write(folder.resolve("c/tokens.b"), old);
    try (Store store = open()) {
      assertThat(text(store, "tokens")).isEqualTo("new");
    }
    assertThat(Files.readAllBytes(folder.resolve("c/tokens.b")))
        .isEqualTo(Files.readAllBytes(folder.resolve("c/tokens.a")));
  }

  /** Whatever call the power fails at: the old text or the new one, and the new one if told so. */
  @Test
  void powerLossLeavesOneOfTheTwoTexts() throws IOException {
    for (int at = 1; ; at++) {
      var memory = new MemoryDisk();
      var faulty = new FaultyDisk(memory, new Random(at));
      Store store = new TestStores(3).open(faulty);
      store.documents().save("tokens", bytes("old"));
      faulty.arm(Fault.at(at, Fault.Kind.POWER_LOSS));
      boolean saved = false;
      try {
        store.documents().save("tokens", bytes("new"));
        saved = true;
      } catch (PannierException.Internal lost) {
        // As a machine that stops.
      }
      boolean struck = faulty.fired();
      var after = memory.crash(new Random(at), CrashMode.values());
      try (Store again = new TestStores(4).open(after)) {
        assertThat(text(again, "tokens")).isIn(saved ? List.of("new") : List.of("old", "new"));
      }
      if (!struck) {
        assertThat(at).isGreaterThan(10);
        return;
      }
    }
  }

  @Test
  void aSaveCostsTheWritingOfTwoCopiesAndNoReading() throws IOException {
    var disk = new CountingDisk(new MemoryDisk());
    try (Store store = new TestStores(3).open(disk)) {
      store.documents().save("state", bytes("first"));
      Counts before = disk.counts();
      store.documents().save("state", bytes("second"));
      assertThat(disk.since(before))
          .hasToString("create 2, append 2 (140 B), sync 2, syncFolder 2, rename 2, delete 2");
    }
  }

  /** A copy of the failed save may lie there: what comes next must have a higher number. */
  @Test
  void aFailedSaveRaisesTheGenerationTooAndTheNextOneSettlesIt() throws IOException {
    var memory = new MemoryDisk();
    var faulty = new FaultyDisk(memory, new Random(1));
    try (Store store = new TestStores(3).open(faulty)) {
      store.documents().save("state", bytes("first"));
      // The first copy gets its name, and the sync of the folder behind it fails.
      faulty.arm(Fault.at(2, Fault.Kind.SYNC_FAIL));
      assertThatThrownBy(() -> store.documents().save("state", bytes("refused")))
          .isInstanceOf(PannierException.Internal.class);
      assertThat(faulty.fired()).isTrue();
      faulty.heal();
      assertThat(generation(memory, store, ".a")).isEqualTo(2);
      store.documents().save("state", bytes("last"));
      assertThat(List.of(generation(memory, store, ".a"), generation(memory, store, ".b")))
          .containsExactly(3L, 3L);
      assertThat(text(store, "state")).isEqualTo("last");
    }
  }

  private static long generation(MemoryDisk disk, Store store, String copy) throws IOException {
    return ((Documents.Copy.Valid) Documents.read(disk, store.id(), "state", copy)).generation();
  }

  private List<String> verify() throws IOException {
    try (RealDisk disk = RealDisk.forReading(folder)) {
      return Verifier.run(disk, Verifier.Progress.NONE).findings().stream()
          .filter(finding -> finding.path().startsWith("c"))
          .map(finding -> finding.kind() + " " + finding.path())
          .toList();
    }
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] content = Files.readAllBytes(file);
    content[at] ^= 1;
    Files.write(file, content);
  }
}
