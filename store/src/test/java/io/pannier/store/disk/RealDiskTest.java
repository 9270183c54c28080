package io.pannier.store.disk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RealDiskTest extends DiskContract {
  /**
   * A file system of a few MiB that a test may fill, for example {@code mount -t tmpfs -o size=4m
   * none /tmp/tiny}.
   */
  private static final String TINY = System.getProperty("pannier.tinyDisk", "");

  @TempDir private Path folder;

  @Override
  Disk makeDisk() throws IOException {
    return new RealDisk(folder);
  }

  @Override
  Disk anotherProcess() throws IOException {
    return new RealDisk(folder);
  }

  @Test
  void missingFoldersAreCreated() throws IOException {
    try (var deep = new RealDisk(folder.resolve("x/y/z"))) {
      deep.create("a").close();
    }
    assertThat(folder.resolve("x/y/z/a")).exists();
  }

  @Test
  void fileInPlaceOfTheFolderIsRefused() throws IOException {
    create("a");
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> new RealDisk(folder.resolve("a")));
  }

  @Test
  void syncAllOfAFolderThatIsGoneFails() throws IOException {
    Path other = folder.resolve("other");
    try (var disk = new RealDisk(other)) {
      Files.delete(other);
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(disk::syncAll)
          .withMessageContaining("No such file");
    }
  }

  @Test
  void allocatedFileReallyOccupiesTheDevice() throws IOException, InterruptedException {
    disk().allocate("ballast", 1 << 20);
    Process du = new ProcessBuilder("du", "-k", folder.resolve("ballast").toString()).start();
    try (BufferedReader answer = du.inputReader(UTF_8)) {
      long kilobytes = Long.parseLong(answer.readLine().split("\t", -1)[0]);
      assertThat(kilobytes).isGreaterThanOrEqualTo(1024);
    }
    assertThat(du.waitFor()).isZero();
  }

  @Test
  void fullDeviceIsToldFromABrokenOneInAnyLanguage() {
    assertThat(DeviceFailures.isFull(new IOException("No space left on device"))).isTrue();
    assertThat(DeviceFailures.isFull(new IOException("Disk quota exceeded"))).isTrue();
    assertThat(DeviceFailures.isFull(new IOException(Libc.errorText(Libc.ENOSPC)))).isTrue();
    assertThat(DeviceFailures.isFull(new IOException(Libc.errorText(Libc.EDQUOT)))).isTrue();
    assertThat(DeviceFailures.isFull(new DiskFullException("a"))).isTrue();
    assertThat(DeviceFailures.isFull(new IOException("Input/output error"))).isFalse();
    assertThat(DeviceFailures.isFull(new IOException())).isFalse();
    assertThat(
            DeviceFailures.isFull(
                new FileSystemException("No space left on device", "", "Permission denied")))
        .isFalse();
  }

  @Test
  void lockKeepsARealProcessOutAndEndsWithItsHolder() throws Exception {
    Process holder = startLockHolder();
    try (var answers = new BufferedReader(new InputStreamReader(holder.getInputStream(), UTF_8))) {
      assertThat(answers.readLine()).isEqualTo("locked: true");
      assertThat(disk().tryLock("lock")).isFalse();
    } finally {
      holder.destroyForcibly().waitFor();
    }
    assertThat(disk().tryLock("lock")).isTrue();
  }

  @Test
  void failedAttemptsInThisProcessDoNotWeakenTheLock() throws Exception {
    assertThat(disk().tryLock("lock")).isTrue();
    try (Disk other = anotherProcess()) {
      assertThat(other.tryLock("lock")).isFalse();
    }
    Process rival = startLockHolder();
    try (var answers = new BufferedReader(new InputStreamReader(rival.getInputStream(), UTF_8))) {
      assertThat(answers.readLine()).isEqualTo("locked: false");
    } finally {
      rival.destroyForcibly().waitFor();
    }
  }

  @Test
  void closedDiskLeaksNoDescriptor() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    assumeTrue(Files.isDirectory(descriptors));
    try (var warm = new RealDisk(folder)) {
      warm.syncAll();
    }
    long before = openFiles(descriptors);
    for (int i = 0; i < 10; i++) {
      try (var disk = new RealDisk(folder)) {
        disk.tryLock("lock");
        disk.syncAll();
        disk.syncFolder("");
        disk.list("");
      }
    }
    assertThat(openFiles(descriptors)).isEqualTo(before);
  }

  @Test
  void directAppendKeepsNoDescriptorBehindTheNextAppendOrCut() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    assumeTrue(Files.isDirectory(descriptors));
    DiskFile file = create("a");
    ByteBuffer page = aligned(noise(PAGE), 0, PAGE);
    long before = openFiles(descriptors);
    file.appendDirect(page.rewind());
    file.append(bytes("x"));
    assertThat(openFiles(descriptors)).isEqualTo(before);
    file.truncate(0);
    file.appendDirect(page.rewind());
    file.truncate(0);
    assertThat(openFiles(descriptors)).isEqualTo(before);
    file.appendDirect(page.rewind());
    file.close();
    assertThat(openFiles(descriptors)).isEqualTo(before - 1);
  }

  @Test
  void fullDeviceIsNamedAndCutBack() throws IOException {
    assumeTrue(!TINY.isEmpty(), "needs -Dpannier.tinyDisk");
    try (var tiny = new RealDisk(Path.of(TINY).resolve("disk"))) {
      assertThatExceptionOfType(DiskFullException.class)
          .isThrownBy(() -> tiny.allocate("ballast", 1L << 30));
      assertThat(tiny.exists("ballast")).isFalse();
      tiny.allocate("ballast", 1 << 20);
      try (DiskFile file = tiny.create("a")) {
        assertThatExceptionOfType(DiskFullException.class).isThrownBy(() -> fill(file));
        long size = file.size();
        assertThat(tiny.usableBytes()).isLessThan(100_000);
        tiny.delete("ballast");
        file.append(bytes("x"));
        assertThat(file.size()).isEqualTo(size + 1);
        assertThat(read(file, size, 10).remaining()).isEqualTo(1);
        tiny.delete("a");
      }
    }
  }

  private Process startLockHolder() throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            classPath(RealDisk.class) + File.pathSeparator + classPath(LockHolder.class),
            LockHolder.class.getName(),
            folder.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static void fill(DiskFile file) throws IOException {
    byte[] content = noise(100_000);
    for (int i = 0; i < 1000; i++) {
      file.append(new ByteBuffer[] {ByteBuffer.wrap(content), bytes("tail")});
    }
  }

  private static long openFiles(Path descriptors) throws IOException {
    try (Stream<Path> entries = Files.list(descriptors)) {
      return entries.count();
    }
  }

  private static String classPath(Class<?> type) throws Exception {
    CodeSource source = type.getProtectionDomain().getCodeSource();
    return Path.of(source.getLocation().toURI()).toString();
  }

  /**
   * Another process: takes the lock, says whether it got it, and holds it until it is killed or its
   * input ends.
   */
  static final class LockHolder {
    private LockHolder() {}

    public static void main(String[] arguments) throws IOException {
      try (var disk = new RealDisk(Path.of(arguments[0]))) {
        boolean locked = disk.tryLock("lock");
        System.out.println("locked: " + locked);
        while (System.in.read() >= 0) {
          // wait for the end
        }
      }
    }
  }
}
