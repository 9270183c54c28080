package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Files that are not what they should be, with and without checksums that fit: a store that begins
 * with one refuses it, or reports it and goes on; whoever asks for a record gets it, or an error of
 * ours. Nothing else is thrown, nothing takes memory or time out of proportion.
 *
 * <p>Inputs are the files of the golden folder with random changes ({@link Mutations}), and every
 * one that was a finding once: {@code fuzz/files/*} has a path, a line end and the content. {@code
 * -Dpannier.fuzz.seed} and {@code -Dpannier.fuzz.seconds} choose what the slow test does; a failing
 * input is written to {@code target/fuzz/}.
 */
class FileFuzzTest {
  /** Heap that one input may take altogether; the golden folder takes a tenth. */
  private static final long ALLOCATED_MAX = 256L << 20;

  private static final Path FINDINGS = Path.of("src/test/resources/fuzz/files");
  private static final List<byte[]> WORDS =
      Mutations.words("PNFR", "PNRT", "PNCF", "PNJF", "PNRBLOCK", "PNRJRNAL", "\0\0\0\0\0\0\0\0");
  private static final Map<String, byte[]> FILES = new TreeMap<>();
  private static MemoryDisk healthy;

  @BeforeAll
  static void unpack() throws IOException {
    FILES.clear();
    var disk = new MemoryDisk();
    try (InputStream golden =
            Objects.requireNonNull(FileFuzzTest.class.getResourceAsStream("/golden/format-1.zip"));
        var zip = new ZipInputStream(golden)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        if (entry.isDirectory()) {
          String name = entry.getName().replaceFirst("/$", "");
          if (!disk.exists(name)) {
            disk.makeFolder(name);
          }
        } else {
          put(disk, entry.getName(), zip.readAllBytes());
        }
      }
    }
    // What the golden folder has none of.
    var stores = new TestStores(4);
    try (Store store = stores.open(disk)) {
      store
          .documents()
          .save("tokens", "{\"format\":1,\"tokens\":[]}".getBytes(StandardCharsets.UTF_8));
      Bucket bucket = store.createBucket("more", BucketSettings.DEFAULT);
      Entry entry = bucket.entryForWrite("compressed");
      for (int i = 0; i < 3; i++) {
        entry.write(TestStores.record(i, ("text " + i + " ").repeat(20_000), "n", "" + i));
      }
      bucket.changeSettings(BucketSettings.DEFAULT);
      stores.scheduler.advanceMillis(20_000);
    }
    healthy = disk.kill();
    collect(healthy, "");
    assertThat(FILES.keySet())
        .anyMatch(path -> path.endsWith(".blk"))
        .anyMatch(path -> path.endsWith(".chg"))
        .anyMatch(path -> path.contains("journal-"))
        .anyMatch(path -> path.startsWith("store-"))
        .contains("FORMAT", "c/tokens.a");
  }

  private static void collect(MemoryDisk disk, String folder) throws IOException {
    for (String name : disk.list(folder)) {
      String path = folder.isEmpty() ? name : folder + "/" + name;
      if (name.startsWith("LOCK") || name.equals("ballast")) {
        continue;
      }
      if (path.matches("c|b(/\\d+)*")) {
        collect(disk, path);
      } else {
        try (DiskFile file = disk.open(path)) {
          var bytes = ByteBuffer.allocate((int) file.size());
          file.read(bytes, 0);
          FILES.put(path, bytes.array());
        }
      }
    }
  }

  private static void put(MemoryDisk disk, String path, byte[] content) throws IOException {
    if (disk.exists(path)) {
      disk.delete(path);
    }
    try (DiskFile file = disk.create(path)) {
      file.append(ByteBuffer.wrap(content));
      file.sync();
    }
    int slash = path.lastIndexOf('/');
    disk.syncFolder(slash < 0 ? "" : path.substring(0, slash));
  }

  // ---------------------------------------------------------------- one input

  /** A folder in which these files have other contents. */
  private static void tryFiles(Map<String, byte[]> changed) throws IOException {
    MemoryDisk disk = healthy.kill();
    for (var file : changed.entrySet()) {
      put(disk, file.getKey(), file.getValue());
    }
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    offline(disk.kill());
    serve(disk);
    offline(disk.kill());
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .as("allocated bytes")
        .isLessThan(ALLOCATED_MAX);
  }

  private static void offline(MemoryDisk disk) throws IOException {
    try {
      Verifier.run(disk, Verifier.Progress.NONE);
    } catch (StoreRefused | PannierException told) {
      // As it should be.
    }
    for (String path : FILES.keySet()) {
      describe(disk, "./" + path);
    }
    describe(disk, "");
    describe(disk, "plain");
  }

  private static void describe(MemoryDisk disk, String what) throws IOException {
    try {
      Describer.describe(disk, what, line -> assertThat(line.text()).isNotNull());
    } catch (StoreRefused | PannierException | java.nio.file.NoSuchFileException told) {
      // As it should be.
    }
  }

  private static void serve(MemoryDisk disk) {
    var stores = new TestStores(6).ticking();
    try (Store store = stores.open(disk)) {
      try {
        store.documents().load("tokens");
      } catch (PannierException told) {
        // As it should be.
      }
      for (Bucket bucket : store.buckets()) {
        use(bucket, stores);
      }
      stores.scheduler.advanceMillis(20_000);
      for (Bucket bucket : store.buckets()) {
        use(bucket, stores);
      }
    } catch (StoreRefused | PannierException told) {
      // As it should be.
    }
    // A failure of background work is told as an event; those of ours have a text of ours.
    assertThat(stores.events).noneMatch(event -> event.matches("(?s).*\\(java\\.lang\\..*"));
  }

  private static void use(Bucket bucket, TestStores stores) {
    try {
      bucket.info();
      for (EntryInfo info : bucket.entryInfos()) {
        use(bucket.entry(info.name()), stores);
      }
    } catch (PannierException told) {
      // As it should be.
    }
  }

  private static void use(Entry entry, TestStores stores) {
    try {
      for (StoredRecord record : entry.scan(TimeRange.all(), 50)) {
        try {
          TestStores.bytes(record);
        } catch (PannierException told) {
          // As it should be.
        }
      }
      entry.latest();
    } catch (PannierException told) {
      // As it should be.
    }
    for (Runnable change :
        List.<Runnable>of(
            () -> entry.write(TestStores.record(stores.clock.wallMicros(), "new", "n", "1")),
            () -> entry.write(TestStores.record(7, "belated")),
            () -> entry.updateLabels(1_020, Labels.of("a", "b")),
            () -> entry.remove(1_030))) {
      try {
        change.run();
      } catch (PannierException told) {
        // As it should be.
      }
    }
  }

  // ---------------------------------------------------------------- many inputs

  private static Map<String, byte[]> input(Mutations mutations) {
    String path = mutations.oneOf(List.copyOf(FILES.keySet()));
    byte[] content = mutations.mutate(FILES.get(path));
    if (mutations.next(4) > 0) {
      content = Resealed.of(content);
    }
    var changed = new TreeMap<String, byte[]>();
    changed.put(path, content);
    // What stands twice must be bad twice, or the other copy is taken.
    String twin =
        path.endsWith(".a")
            ? path.substring(0, path.length() - 1) + "b"
            : path.endsWith(".b")
                ? path.substring(0, path.length() - 1) + "a"
                : path.equals("FORMAT") ? "FORMAT.copy" : path;
    if (mutations.next(4) > 0) {
      changed.put(twin, content);
    }
    return changed;
  }

  private static void check(Map<String, byte[]> changed, String which) throws IOException {
    try {
      tryFiles(changed);
    } catch (Throwable failed) {
      Path folder = Files.createDirectories(Path.of("target/fuzz"));
      Path file = folder.resolve("file-" + which.replaceAll("[^0-9a-z]+", "-"));
      Files.write(file, encoded(changed));
      throw new AssertionError("input " + which + ", written to " + file, failed);
    }
  }

  private static byte[] encoded(Map<String, byte[]> changed) {
    var out = new ByteArrayOutputStream();
    out.writeBytes((String.join(" ", changed.keySet()) + "\n").getBytes(StandardCharsets.UTF_8));
    out.writeBytes(changed.values().iterator().next());
    return out.toByteArray();
  }

  private static void run(long seed, long inputs, long untilNanos) throws IOException {
    for (long number = 0; number < inputs && System.nanoTime() < untilNanos; number++) {
      check(input(new Mutations(seed * 1_000_003 + number, WORDS)), "seed " + seed + " " + number);
    }
  }

  @Test
  void sealingAgainWhatWasNotChangedChangesNothing() throws IOException {
    // Sealing would mend what a loss of power has torn.
    var torn =
        Verifier.run(healthy.kill(), Verifier.Progress.NONE).findings().stream()
            .map(Verification.Finding::path)
            .toList();
    assertThat(torn).hasSize(1);
    FILES.forEach((path, content) -> {
      if (!torn.contains(path)) {
        assertThat(Resealed.of(content)).as(path).isEqualTo(content);
      }
    });
  }

  @Test
  void everyFindingIsRefusedOrReported() throws IOException {
    var findings = new ArrayList<Path>();
    if (Files.isDirectory(FINDINGS)) {
      try (var files = Files.list(FINDINGS)) {
        files.sorted().forEach(findings::add);
      }
    }
    for (Path finding : findings) {
      byte[] bytes = Files.readAllBytes(finding);
      int line = 0;
      while (bytes[line] != '\n') {
        line++;
      }
      var changed = new TreeMap<String, byte[]>();
      for (String path : new String(bytes, 0, line, StandardCharsets.UTF_8).split(" ", -1)) {
        changed.put(path, Arrays.copyOfRange(bytes, line + 1, bytes.length));
      }
      check(changed, finding.getFileName().toString());
    }
  }

  @Test
  void changedFilesAreRefusedOrReported() throws IOException {
    run(1, 60, Long.MAX_VALUE);
  }

  @Test
  @Tag("slow")
  @Timeout(900)
  void moreChangedFilesAreRefusedOrReported() throws IOException {
    long seed = Long.getLong("pannier.fuzz.seed", System.nanoTime() & 0xfff_ffff);
    long seconds = Long.getLong("pannier.fuzz.seconds", 100);
    System.out.println("-Dpannier.fuzz.seed=" + seed);
    try {
      run(seed, Long.MAX_VALUE, System.nanoTime() + seconds * 1_000_000_000);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
