package io.pannier.store.disk;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every {@link Disk} does, whatever it is made of. */
@Timeout(60)
abstract class DiskContract {
  static final int PAGE = DiskFile.DIRECT_ALIGNMENT;

  private final ArrayList<DiskFile> opened = new ArrayList<>();
  private Disk disk = new MemoryDisk();

  /** Makes an empty disk. */
  abstract Disk makeDisk() throws IOException;

  /** Name of the lock. */
  String lockName() {
    return "lock";
  }

  /** Another process that runs on the same data folder. */
  abstract Disk anotherProcess() throws IOException;

  @BeforeEach
  void start() throws IOException {
    disk = makeDisk();
  }

  @AfterEach
  void closeAll() throws IOException {
    for (DiskFile file : opened) {
      file.close();
    }
    disk.close();
  }

  // --- appending and reading

  @Test
  void newFileIsEmptyAndReadsNothing() throws IOException {
    DiskFile file = create("a");
    assertThat(file.size()).isZero();
    assertThat(text(file)).isEmpty();
  }

  @Test
  void appendsFollowOneAnother() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("one "));
    file.append(bytes("two "));
    file.append(bytes(""));
    file.append(bytes("three"));
    assertThat(file.size()).isEqualTo(13);
    assertThat(text(file)).isEqualTo("one two three");
  }

  @Test
  void appendTakesWhatRemainsOfABufferAndAllOfIt() throws IOException {
    DiskFile file = create("a");
    ByteBuffer buffer = bytes("<middle>").position(1).limit(7);
    file.append(buffer);
    assertThat(text(file)).isEqualTo("middle");
    assertThat(buffer.position()).isEqualTo(7);
    assertThat(buffer.limit()).isEqualTo(7);
  }

  @Test
  void directAndReadOnlyBuffersAreTakenAsWell() throws IOException {
    DiskFile file = create("a");
    file.append(ByteBuffer.allocateDirect(6).put(bytes("direct")).flip());
    file.append(bytes(" read-only").asReadOnlyBuffer());
    var target = ByteBuffer.allocateDirect(64);
    assertThat(file.read(target, 0)).isEqualTo(16);
    assertThat(US_ASCII.decode(target.flip()).toString()).isEqualTo("direct read-only");
  }

  @Test
  void whatIsReadPastTheCacheIsWhatWasWritten() throws IOException {
    byte[] content = new byte[3 * PAGE + 17];
    new SplittableRandom(7).nextBytes(content);
    create("a").append(ByteBuffer.wrap(content));
    try (DiskFile file = disk.openPastCache("a")) {
      assertThat(file.size()).isEqualTo(content.length);
      ByteBuffer window = ByteBuffer.allocateDirect(5 * PAGE).alignedSlice(PAGE);
      int from = 2 * PAGE;
      assertThat(file.read(window.limit(2 * PAGE), from)).isEqualTo(PAGE + 17);
      byte[] read = new byte[PAGE + 17];
      window.flip().get(read);
      assertThat(read).isEqualTo(java.util.Arrays.copyOfRange(content, from, content.length));
      assertThat(file.read(window.clear().limit(PAGE), 4 * PAGE)).isZero();
    }
    assertThatExceptionOfType(NoSuchFileException.class)
        .isThrownBy(() -> disk.openPastCache("none"));
  }

  @Test
  void rowOfBuffersIsGatheredInOrder() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("0"));
    file.append(
        new ByteBuffer[] {bytes(""), bytes("header "), bytes(""), bytes("body"), bytes("")});
    file.append(new ByteBuffer[] {});
    assertThat(text(file)).isEqualTo("0header body");
    assertThat(file.size()).isEqualTo(12);
  }

  @Test
  void rowLongerThanTheSystemTakesAtOnceIsGatheredWhole() throws IOException {
    DiskFile file = create("a");
    var row = new ByteBuffer[5000];
    for (int i = 0; i < row.length; i++) {
      row[i] = ByteBuffer.allocate(4).putInt(i).flip();
    }
    file.append(row);
    assertThat(file.size()).isEqualTo(20_000);
    ByteBuffer read = read(file, 0, 20_000);
    for (int i = 0; i < row.length; i++) {
      assertThat(read.getInt()).isEqualTo(i);
    }
  }

  @Test
  void largeAppendsAndReadsComeThroughWhole() throws IOException {
    byte[] content = noise(5 * 1024 * 1024 + 17);
    DiskFile file = create("a");
    file.append(ByteBuffer.wrap(content));
    file.append(ByteBuffer.allocateDirect(content.length).put(content).flip());
    assertThat(file.size()).isEqualTo(2L * content.length);
    assertThat(read(file, 0, content.length).array()).isEqualTo(content);
    assertThat(read(file, content.length, content.length).array()).isEqualTo(content);
  }

  @Test
  void readStopsAtTheEndOfTheFileOrOfTheTarget() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("0123456789"));
    assertThat(US_ASCII.decode(read(file, 3, 4)).toString()).isEqualTo("3456");
    assertThat(US_ASCII.decode(read(file, 7, 100)).toString()).isEqualTo("789");
    assertThat(file.read(ByteBuffer.allocate(1), 10)).isZero();
    assertThat(file.read(ByteBuffer.allocate(1), 1L << 40)).isZero();
    assertThat(file.read(ByteBuffer.allocate(0), 0)).isZero();
  }

  @Test
  void readLeavesTheRestOfTheTargetAlone() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("ab"));
    byte[] dots = "......".getBytes(US_ASCII);
    ByteBuffer target = ByteBuffer.wrap(dots).position(1).limit(5);
    assertThat(file.read(target, 0)).isEqualTo(2);
    assertThat(target.position()).isEqualTo(3);
    assertThat(target.limit()).isEqualTo(5);
    assertThat(new String(dots, US_ASCII)).isEqualTo(".ab...");
  }

  @Test
  void readsBelowTheEndAreStableWhileTheFileGrows() throws Exception {
    DiskFile file = create("a");
    var grown = new AtomicBoolean();
    int rounds = 2000;
    var failure = new ArrayList<Throwable>();
    Thread reader =
        Thread.ofPlatform()
            .uncaughtExceptionHandler((_, thrown) -> failure.add(thrown))
            .start(() -> readEndlessly(file, grown));
    for (int i = 0; i < rounds; i++) {
      file.append(new ByteBuffer[] {bytes("0123"), bytes("456789")});
    }
    grown.set(true);
    reader.join();
    assertThat(failure).isEmpty();
    assertThat(file.size()).isEqualTo(rounds * 10L);
  }

  private static void readEndlessly(DiskFile file, AtomicBoolean until) {
    boolean last;
    do {
      last = until.get();
      long size = file.size();
      long position = size / 20 * 10;
      try {
        int expected = (int) Math.min(10, size - position);
        assertThat(US_ASCII.decode(read(file, position, expected)).toString())
            .isEqualTo("0123456789".substring(0, expected));
      } catch (IOException thrown) {
        throw new AssertionError(thrown);
      }
    } while (!last);
  }

  @Test
  void twoHandlesSeeTheSameBytes() throws IOException {
    DiskFile writer = create("a");
    DiskFile reader = open("a");
    writer.append(bytes("fresh"));
    assertThat(US_ASCII.decode(read(reader, 0, 5)).toString()).isEqualTo("fresh");
  }

  @Test
  void reopenedFileGoesOnAtItsEnd() throws IOException {
    DiskFile first = create("a");
    first.append(bytes("one"));
    first.close();
    DiskFile second = open("a");
    assertThat(second.size()).isEqualTo(3);
    second.append(bytes(" two"));
    assertThat(text(second)).isEqualTo("one two");
  }

  @Test
  void closedHandleRefusesEverythingAndClosesTwice() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("x"));
    file.close();
    file.close();
    assertThatExceptionOfType(ClosedChannelException.class)
        .isThrownBy(() -> file.append(bytes("y")));
    assertThatExceptionOfType(ClosedChannelException.class)
        .isThrownBy(() -> file.read(ByteBuffer.allocate(1), 0));
    assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> file.truncate(0));
    assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(file::sync);
    assertThat(text(open("a"))).isEqualTo("x");
  }

  // --- past the page cache

  @Test
  void directPiecesStandBetweenOtherAppends() throws IOException {
    byte[] content = noise(3 * PAGE + 1_000_000 / PAGE * PAGE + 17);
    DiskFile file = create("a");
    file.append(ByteBuffer.wrap(content, 0, PAGE - 5));
    file.append(ByteBuffer.wrap(content, PAGE - 5, 5));
    file.appendDirect(aligned(content, PAGE, PAGE));
    ByteBuffer large = aligned(content, 2 * PAGE, content.length - 17 - 2 * PAGE);
    file.appendDirect(large);
    assertThat(large.hasRemaining()).isFalse();
    assertThat(file.size()).isEqualTo(content.length - 17);
    file.append(ByteBuffer.wrap(content, content.length - 17, 10));
    file.append(new ByteBuffer[] {ByteBuffer.wrap(content, content.length - 7, 7)});
    assertThat(file.size()).isEqualTo(content.length);
    assertThat(read(file, 0, content.length + 1)).isEqualTo(ByteBuffer.wrap(content));
    DiskFile again = open("a");
    assertThat(again.size()).isEqualTo(content.length);
    assertThat(read(again, 0, content.length)).isEqualTo(ByteBuffer.wrap(content));
  }

  @Test
  void directPiecesAreSeenByWhoReadThePageBefore() throws IOException {
    byte[] content = noise(4 * PAGE);
    DiskFile writer = create("a");
    DiskFile reader = open("a");
    for (int at = 0; at < content.length; at += 2 * PAGE) {
      writer.append(ByteBuffer.wrap(content, at, PAGE));
      assertThat(read(reader, at, 3 * PAGE)).isEqualTo(ByteBuffer.wrap(content, at, PAGE));
      writer.appendDirect(aligned(content, at + PAGE, PAGE));
      assertThat(read(reader, 0, 5 * PAGE)).isEqualTo(ByteBuffer.wrap(content, 0, at + 2 * PAGE));
    }
  }

  @Test
  void directPieceThatIsNotAlignedIsRefused() throws IOException {
    byte[] content = noise(2 * PAGE);
    DiskFile file = create("a");
    for (ByteBuffer wrong :
        new ByteBuffer[] {
          aligned(content, 0, PAGE + 1),
          aligned(content, 0, PAGE).position(8),
          aligned(content, 0, 2 * PAGE).position(8).limit(PAGE + 8),
          ByteBuffer.wrap(content)
        }) {
      assertThatIllegalArgumentException().isThrownBy(() -> file.appendDirect(wrong));
    }
    file.append(bytes("x"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> file.appendDirect(aligned(content, 0, PAGE)));
    assertThat(text(file)).isEqualTo("x");
  }

  @Test
  void directPiecesAreCutLikeOthers() throws IOException {
    byte[] content = noise(4 * PAGE);
    DiskFile file = create("a");
    file.append(ByteBuffer.wrap(content, 0, PAGE));
    file.appendDirect(aligned(content, PAGE, 3 * PAGE));
    file.truncate(2 * PAGE + 77);
    assertThat(file.size()).isEqualTo(2 * PAGE + 77);
    file.append(ByteBuffer.wrap(content, 2 * PAGE + 77, PAGE - 77));
    file.appendDirect(aligned(content, 3 * PAGE, PAGE));
    assertThat(read(file, 0, content.length + 1)).isEqualTo(ByteBuffer.wrap(content));
    file.truncate(PAGE);
    file.appendDirect(aligned(content, PAGE, PAGE));
    file.truncate(10);
    assertThat(read(file, 0, 100)).isEqualTo(ByteBuffer.wrap(content, 0, 10));
    assertThat(open("a").size()).isEqualTo(10);
  }

  @Test
  void deletedFileTakesDirectPiecesOfOpenHandles() throws IOException {
    byte[] content = noise(3 * PAGE);
    DiskFile file = create("a");
    file.appendDirect(aligned(content, 0, PAGE));
    file.append(ByteBuffer.wrap(content, PAGE, PAGE));
    disk.delete("a");
    file.appendDirect(aligned(content, 2 * PAGE, PAGE));
    assertThat(read(file, 0, content.length + 1)).isEqualTo(ByteBuffer.wrap(content));
    assertThat(disk.exists("a")).isFalse();
  }

  @Test
  void closedHandleRefusesDirectPieces() throws IOException {
    byte[] content = noise(PAGE);
    DiskFile file = create("a");
    file.appendDirect(aligned(content, 0, PAGE));
    file.close();
    assertThatExceptionOfType(ClosedChannelException.class)
        .isThrownBy(() -> file.appendDirect(aligned(content, 0, PAGE)));
    assertThat(open("a").size()).isEqualTo(PAGE);
  }

  // --- truncating

  @Test
  void truncateCutsAndAppendsGoOnThere() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("keep drop"));
    file.truncate(4);
    assertThat(file.size()).isEqualTo(4);
    assertThat(text(file)).isEqualTo("keep");
    file.append(bytes("+"));
    assertThat(text(file)).isEqualTo("keep+");
    assertThat(text(open("a"))).isEqualTo("keep+");
  }

  @Test
  void truncateNeverMakesAFileLonger() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("abc"));
    file.truncate(3);
    assertThatIllegalArgumentException().isThrownBy(() -> file.truncate(4));
    assertThatIllegalArgumentException().isThrownBy(() -> file.truncate(-1));
    assertThat(text(file)).isEqualTo("abc");
  }

  // --- names

  @Test
  void createRefusesAnExistingName() throws IOException {
    create("a").append(bytes("old"));
    disk.makeFolder("f");
    assertThatExceptionOfType(FileAlreadyExistsException.class).isThrownBy(() -> disk.create("a"));
    assertThatExceptionOfType(FileAlreadyExistsException.class).isThrownBy(() -> disk.create("f"));
    assertThat(text(open("a"))).isEqualTo("old");
  }

  @Test
  void createAndOpenNeedTheFolderAndTheName() throws IOException {
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.create("f/a"));
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.open("a"));
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.open("f/a"));
    disk.makeFolder("f");
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> disk.open("f"));
  }

  @Test
  void existsKnowsFilesAndFolders() throws IOException {
    disk.makeFolder("f");
    create("f/a");
    assertThat(disk.exists("")).isTrue();
    assertThat(disk.exists("f")).isTrue();
    assertThat(disk.exists("f/a")).isTrue();
    assertThat(disk.exists("f/b")).isFalse();
    assertThat(disk.exists("g/a")).isFalse();
    disk.delete("f/a");
    assertThat(disk.exists("f/a")).isFalse();
  }

  @Test
  void foldersNestAndListOnlyTheirOwnNames() throws IOException {
    disk.makeFolder("f");
    disk.makeFolder("f/g");
    create("f/a");
    create("f/g/b");
    create("c");
    assertThat(disk.list("")).containsExactlyInAnyOrder("f", "c");
    assertThat(disk.list("f")).containsExactlyInAnyOrder("g", "a");
    assertThat(disk.list("f/g")).containsExactly("b");
  }

  @Test
  void listNeedsAFolder() throws IOException {
    create("a");
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.list("f"));
    assertThatExceptionOfType(NotDirectoryException.class).isThrownBy(() -> disk.list("a"));
  }

  @Test
  void makingAFolderTwiceIsFineButNotOverAFileOrWithoutAParent() throws IOException {
    disk.makeFolder("f");
    create("f/a");
    disk.makeFolder("f");
    assertThat(disk.list("f")).containsExactly("a");
    assertThatExceptionOfType(FileAlreadyExistsException.class)
        .isThrownBy(() -> disk.makeFolder("f/a"));
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.makeFolder("g/h"));
  }

  @Test
  void deleteTakesFilesAndEmptyFoldersAndForgivesMissingOnes() throws IOException {
    disk.makeFolder("f");
    create("f/a");
    assertThatExceptionOfType(DirectoryNotEmptyException.class).isThrownBy(() -> disk.delete("f"));
    disk.delete("f/a");
    disk.delete("f/a");
    disk.delete("f");
    disk.delete("f");
    assertThat(disk.list("")).isEmpty();
  }

  @Test
  void deletedFileStaysReadableForOpenHandles() throws IOException {
    DiskFile file = create("a");
    file.append(bytes("still here"));
    disk.delete("a");
    create("a").append(bytes("new"));
    assertThat(text(file)).isEqualTo("still here");
    assertThat(text(open("a"))).isEqualTo("new");
  }

  @Test
  void renameReplacesTheTargetAndKeepsHandles() throws IOException {
    disk.makeFolder("f");
    DiskFile replaced = create("f/b");
    replaced.append(bytes("old"));
    DiskFile moved = create("a");
    moved.append(bytes("new"));
    disk.rename("a", "f/b");
    moved.append(bytes("er"));
    assertThat(disk.exists("a")).isFalse();
    assertThat(disk.list("f")).containsExactly("b");
    assertThat(text(open("f/b"))).isEqualTo("newer");
    assertThat(text(replaced)).isEqualTo("old");
  }

  @Test
  void renameToItselfChangesNothing() throws IOException {
    create("a").append(bytes("x"));
    disk.rename("a", "a");
    assertThat(text(open("a"))).isEqualTo("x");
  }

  @Test
  void renameNeedsSourceAndFolderAndNeverReplacesAFolder() throws IOException {
    create("a").append(bytes("x"));
    disk.makeFolder("f");
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.rename("b", "c"));
    assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> disk.rename("a", "g/a"));
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> disk.rename("a", "f"));
    assertThat(text(open("a"))).isEqualTo("x");
  }

  @Test
  void tenThousandFilesInAFolderAreListedAndSynced() throws IOException {
    disk.makeFolder("f");
    for (int i = 0; i < 10_000; i++) {
      disk.create("f/" + i).close();
    }
    disk.syncFolder("f");
    assertThat(disk.list("f")).hasSize(10_000).doesNotHaveDuplicates().contains("0", "9999");
  }

  @Test
  void pathsNeverLeaveTheDataFolder() {
    for (String path :
        new String[] {"/a", "a/", "a//b", "..", "../a", "f/../a", "f/..", ".", "./a", "/"}) {
      assertThatIllegalArgumentException().as(path).isThrownBy(() -> disk.create(path));
      assertThatIllegalArgumentException().as(path).isThrownBy(() -> disk.open(path));
      assertThatIllegalArgumentException().as(path).isThrownBy(() -> disk.delete(path));
      assertThatIllegalArgumentException().as(path).isThrownBy(() -> disk.list(path));
      assertThatIllegalArgumentException().as(path).isThrownBy(() -> disk.rename("a", path));
    }
    assertThatIllegalArgumentException().isThrownBy(() -> disk.create(""));
    assertThatIllegalArgumentException().isThrownBy(() -> disk.delete(""));
  }

  @Test
  void namesMayBeginWithDots() throws IOException {
    create(".a");
    create("..b");
    create("...");
    assertThat(disk.list("")).containsExactlyInAnyOrder(".a", "..b", "...");
  }

  // --- durability, as far as it can be seen without losing power (MemoryDiskTest does)

  @Test
  void syncsSucceedAndChangeNothing() throws IOException {
    disk.makeFolder("f");
    DiskFile file = create("f/a");
    file.append(bytes("x"));
    file.sync();
    disk.syncFolder("f");
    disk.syncFolder("");
    disk.syncAll();
    disk.syncAll();
    file.append(bytes("y"));
    assertThat(text(open("f/a"))).isEqualTo("xy");
    assertThatExceptionOfType(NoSuchFileException.class)
        .isThrownBy(() -> disk.syncFolder("missing"));
  }

  // --- room

  @Test
  void usableBytesArePositive() throws IOException {
    assertThat(disk.usableBytes()).isPositive();
  }

  @Test
  void allocatedFileHasItsLengthAndIsMadeOnce() throws IOException {
    disk.allocate("ballast", 1_000_003);
    DiskFile ballast = open("ballast");
    assertThat(ballast.size()).isEqualTo(1_000_003);
    assertThat(read(ballast, 1_000_000, 10).remaining()).isEqualTo(3);
    disk.allocate("ballast", 1_000_003);
    assertThat(open("ballast").size()).isEqualTo(1_000_003);
    disk.allocate("ballast", 5);
    assertThat(open("ballast").size()).isEqualTo(5);
    disk.allocate("ballast", 7);
    assertThat(open("ballast").size()).isEqualTo(7);
    disk.delete("ballast");
    assertThat(disk.list("")).isEmpty();
  }

  // --- lock

  @Test
  void lockKeepsAnotherProcessOutUntilTheDiskIsClosed() throws IOException {
    try (Disk other = anotherProcess()) {
      assertThat(disk.tryLock(lockName())).isTrue();
      assertThat(other.tryLock(lockName())).isFalse();
      assertThat(disk.tryLock(lockName())).isFalse();
      disk.close();
      assertThat(other.tryLock(lockName())).isTrue();
    }
    try (Disk third = anotherProcess()) {
      assertThat(third.tryLock(lockName())).isTrue();
    }
  }

  @Test
  void lockLeavesItsFileBehindAndItCannotBeOpened() throws IOException {
    assertThat(disk.tryLock(lockName())).isTrue();
    assertThat(disk.list("")).containsExactly(lockName());
    assertThatIllegalArgumentException().isThrownBy(() -> disk.open(lockName()));
  }

  // --- tools

  final Disk disk() {
    return disk;
  }

  final DiskFile create(String path) throws IOException {
    DiskFile file = disk.create(path);
    opened.add(file);
    return file;
  }

  final DiskFile open(String path) throws IOException {
    DiskFile file = disk.open(path);
    opened.add(file);
    return file;
  }

  static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(US_ASCII));
  }

  static byte[] noise(int count) {
    var bytes = new byte[count];
    new SplittableRandom(count).nextBytes(bytes);
    return bytes;
  }

  /** A part of the content in memory that begins at a page. */
  static ByteBuffer aligned(byte[] content, int from, int count) {
    return ByteBuffer.allocateDirect(count + 2 * PAGE)
        .alignedSlice(PAGE)
        .put(content, from, count)
        .flip();
  }

  static ByteBuffer read(DiskFile file, long position, int count) throws IOException {
    ByteBuffer target = ByteBuffer.allocate(count);
    int read = file.read(target, position);
    assertThat(target.position()).isEqualTo(read);
    return target.flip();
  }

  /** All that is in the file, also behind {@link DiskFile#size}. */
  static String text(DiskFile file) throws IOException {
    return US_ASCII.decode(read(file, 0, (int) file.size() + 1000)).toString();
  }
}
