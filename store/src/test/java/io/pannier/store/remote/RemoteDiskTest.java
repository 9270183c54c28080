package io.pannier.store.remote;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.store.ManualClock;
import io.pannier.store.RemoteRounds;
import io.pannier.store.disk.Disk;
import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.MemoryDisk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What goes up, what does not, and what a folder remembers. */
@Timeout(60)
class RemoteDiskTest {
  private final ManualClock clock = new ManualClock();
  private final MemoryObjectStore bucket = new MemoryObjectStore();
  private MemoryDisk local = new MemoryDisk();
  private long seed;

  private RemoteDisk open(MemoryDisk folder, ObjectStore objects) throws IOException {
    local = folder;
    return RemoteDisk.open(
        folder,
        objects,
        new RemoteConfig("p/", 0, 1 << 30, 60_000, 0, 3_000, 1 << 20, "test"),
        clock,
        new SplittableRandom(++seed),
        RemoteRounds.FOOTERS);
  }

  private RemoteDisk open() throws IOException {
    return open(new MemoryDisk(), bucket);
  }

  /** What somebody finds who has only the object store. */
  private Disk elsewhere() throws IOException {
    return RemoteDisk.forReading(
        new MemoryDisk(),
        bucket,
        RemoteConfig.of("p/", 0, 0, 1, "test"),
        clock,
        RemoteRounds.FOOTERS);
  }

  private static void append(DiskFile file, String text) throws IOException {
    file.append(ByteBuffer.wrap(text.getBytes(UTF_8)));
  }

  private static void write(Disk disk, String path, String text) throws IOException {
    try (DiskFile file = disk.create(path)) {
      append(file, text);
      file.sync();
    }
  }

  private static String read(Disk disk, String path) throws IOException {
    try (DiskFile file = disk.open(path)) {
      var bytes = ByteBuffer.allocate((int) file.size() + 10);
      file.read(bytes, 0);
      return UTF_8.decode(bytes.flip()).toString();
    }
  }

  @Test
  void onlyWhatIsDurableGoesUp() throws IOException {
    RemoteDisk disk = open();
    DiskFile file = disk.create("a");
    append(file, "one ");
    file.sync();
    append(file, "two ");
    disk.upload();
    assertThat(read(elsewhere(), "a")).isEqualTo("one ");
    disk.syncAll();
    append(file, "three");
    disk.upload();
    assertThat(read(elsewhere(), "a")).isEqualTo("one two ");
    assertThat(disk.unsentBytes()).isEqualTo(5);
    file.close();
    disk.close();
  }

  @Test
  void aFailedSyncVouchesForNothing() throws IOException {
    RemoteDisk disk = open();
    DiskFile file = disk.create("a");
    append(file, "one ");
    file.sync();
    append(file, "two ");
    local.failWriteBack(new SplittableRandom(1));
    assertThatThrownBy(file::sync).isInstanceOf(IOException.class);
    file.sync();
    disk.upload();
    assertThat(read(elsewhere(), "a")).isEqualTo("one ");
    file.close();
    disk.close();
  }

  @Test
  void whatIsLargerThanASegmentGoesUpInSeveral() throws IOException {
    RemoteDisk disk = open();
    write(disk, "a", "x".repeat(10_000) + "end");
    write(disk, "b", "y".repeat(5_000));
    disk.upload();
    assertThat(bucket.keys()).filteredOn(key -> key.startsWith("p/s/")).hasSizeGreaterThan(4);
    assertThat(read(elsewhere(), "a")).hasSize(10_003).endsWith("xend");
    assertThat(read(elsewhere(), "b")).hasSize(5_000);
    disk.close();
  }

  @Test
  void aNameThatIsUsedAgainAfterADeathIsAnotherFile() throws IOException {
    RemoteDisk disk = open();
    write(disk, "a", "the first");
    write(disk, "b", "gone");
    write(disk, "k", "long and longer");
    write(disk, "d", "renamed");
    disk.upload();
    disk.delete("a");
    write(disk, "a", "the second one");
    disk.delete("b");
    try (DiskFile file = disk.open("k")) {
      file.truncate(5);
      append(file, "other words here");
      file.sync();
    }
    disk.rename("d", "e");
    write(disk, "f", "new");
    disk.rename("f", "d");
    RemoteDisk again = open(local.kill(), bucket);
    assertThat(again.exists("b")).isFalse();
    assertThat(read(again, "a")).isEqualTo("the second one");
    again.upload();
    Disk found = elsewhere();
    assertThat(read(found, "a")).isEqualTo("the second one");
    assertThat(found.exists("b")).isFalse();
    assertThat(read(found, "k")).isEqualTo("long other words here");
    assertThat(read(found, "d")).isEqualTo("new");
    assertThat(read(found, "e")).isEqualTo("renamed");
    assertThat(found.list("")).containsExactlyInAnyOrder("a", "k", "d", "e");
    again.close();
  }

  @Test
  void aDamagedLocalFileComesBackFromTheObjectStore() throws IOException {
    RemoteDisk disk = open();
    write(disk, "a", "all of it");
    disk.upload();
    MemoryDisk folder = local.kill();
    try (DiskFile file = folder.open("a")) {
      file.truncate(3);
    }
    RemoteDisk again = open(folder, bucket);
    assertThat(read(again, "a")).isEqualTo("all of it");
    again.close();
  }

  /** Does something in the midst of a put. */
  private final class Meddling implements ObjectStore {
    private Action action = () -> {};

    interface Action {
      void run() throws IOException;
    }

    @Override
    public void put(String key, Content content) throws IOException {
      Action now = action;
      action = () -> {};
      now.run();
      bucket.put(key, content);
    }

    @Override
    public String putIfAbsent(String key, ByteBuffer content) throws IOException {
      return bucket.putIfAbsent(key, content);
    }

    @Override
    public String putIfMatch(String key, ByteBuffer content, String version) throws IOException {
      return bucket.putIfMatch(key, content, version);
    }

    @Override
    public Optional<Found> get(String key) {
      return bucket.get(key);
    }

    @Override
    public void read(String key, long position, ByteBuffer target) throws IOException {
      bucket.read(key, position, target);
    }

    @Override
    public List<String> list(String prefix, String after) {
      return bucket.list(prefix, after);
    }

    @Override
    public void delete(String key) {
      bucket.delete(key);
    }

    @Override
    public void close() {}
  }

  @Test
  void whatIsCutDeletedOrRenamedDuringAnUploadDoesNotDisturbIt() throws IOException {
    var objects = new Meddling();
    RemoteDisk disk = open(new MemoryDisk(), objects);
    // Each fills a segment of its own, so that the later ones are read behind the first put.
    write(disk, "a", "a".repeat(3_000));
    write(disk, "b", "b".repeat(3_000));
    write(disk, "k", "k".repeat(3_000));
    write(disk, "d", "d".repeat(3_000));
    objects.action =
        () -> {
          disk.delete("b");
          try (DiskFile file = disk.open("k")) {
            file.truncate(100);
            append(file, "later");
            file.sync();
          }
          disk.rename("d", "e");
        };
    disk.upload();
    Disk then = elsewhere();
    assertThat(read(then, "b")).isEqualTo("b".repeat(3_000));
    assertThat(read(then, "k")).isEqualTo("k".repeat(100));
    assertThat(read(then, "d")).isEqualTo("d".repeat(3_000));
    assertThat(then.exists("e")).isFalse();
    disk.upload();
    Disk now = elsewhere();
    assertThat(now.exists("b")).isFalse();
    assertThat(read(now, "k")).isEqualTo("k".repeat(100) + "later");
    assertThat(now.exists("d")).isFalse();
    assertThat(read(now, "e")).isEqualTo("d".repeat(3_000));
    disk.close();
    assertThat(local.openHandles()).isZero();
  }

  @Test
  void segmentsNameThemselvesAndWhatTheyHold() throws IOException {
    RemoteDisk disk = open();
    write(disk, "a", "content of a");
    disk.upload();
    String segment =
        bucket.keys().stream().filter(key -> key.startsWith("p/s/")).findFirst().orElseThrow();
    var bytes = bucket.bytes(segment);
    assertThat(new String(bytes, 0, 8, UTF_8)).isEqualTo("PNRSEGMT");
    assertThat(new String(bytes, bytes.length - 4, 4, UTF_8)).isEqualTo("PNRG");
    assertThat(new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1))
        .contains("content of a", "//f");
    disk.close();
  }

  @Test
  void rubbishOfAServerThatDiedIsDeleted() throws IOException {
    RemoteDisk disk = open();
    write(disk, "a", "content");
    disk.upload();
    bucket.put(
        "p/s/0000000000000001-00000000000000ff",
        new ObjectStore.Content() {
          @Override
          public long length() {
            return 0;
          }

          @Override
          public int crc() {
            return 0;
          }

          @Override
          public InputStream open() {
            return InputStream.nullInputStream();
          }
        });
    RemoteDisk again = open(local.kill(), bucket);
    again.upload();
    assertThat(bucket.keys()).doesNotContain("p/s/0000000000000001-00000000000000ff");
    assertThat(read(elsewhere(), "a")).isEqualTo("content");
    again.close();
  }

  @Test
  void aMillionFilesAreManifestsOfBoundedSize() throws IOException {
    var manifest = new Manifest();
    var change = new Manifest.Change();
    change.added.add(new Manifest.Segment(1, 1, 1L << 40));
    change.folders.put("b", true);
    for (int entry = 1; entry <= 10; entry++) {
      change.folders.put("b/" + entry, true);
      for (int block = 1; block <= 2_000; block++) {
        change.files.put(
            "b/" + entry + "/" + block + ".blk",
            Facts.of(100, List.of(new Extent(1, block * 1000L, 1000, block))));
      }
    }
    int perFile = manifest.difference(change).remaining() / 20_000;
    assertThat(perFile).isLessThan(100);
    manifest.apply(change);
    assertThat(manifest.files()).isEqualTo(20_000);
    assertThat(manifest.stale(new Manifest.Change())).hasSize(20);
  }
}
