package io.pannier.store.disk;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real file makes of a system that takes and gives less than asked, or fails half-way. */
class RealFileTest {
  private static final int PAGE = DiskFile.DIRECT_ALIGNMENT;
  private static final String FULL = "No space left on device";

  @TempDir private Path folder;
  private StingyChannel channel;
  private DiskFile file;
  private final List<StingyChannel> directs = new ArrayList<>();
  private int directOpened;
  private String directFailure = "";
  private Consumer<StingyChannel> stingyDirect = channel -> {};

  @BeforeEach
  void open() throws IOException {
    channel =
        new StingyChannel(
            FileChannel.open(
                folder.resolve("a"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE));
    file = new RealFile("a", channel, 0, folder.resolve("a"), new DirectIo(this::openDirect));
  }

  @AfterEach
  void close() throws IOException {
    file.close();
  }

  @Test
  void shortWritesAndReadsAreContinued() throws IOException {
    channel.bytesAtOnce = 3;
    file.append(bytes("0123456789"));
    file.append(new ByteBuffer[] {bytes("ab"), bytes("cdefg"), bytes(""), bytes("h")});
    assertThat(file.size()).isEqualTo(18);
    assertThat(text()).isEqualTo("0123456789abcdefgh");
  }

  @Test
  void roomyAppendIsOneWrite() throws IOException {
    file.append(bytes("0123456789"));
    file.append(new ByteBuffer[] {bytes("ab"), bytes("cdefg")});
    file.append(bytes(""));
    assertThat(channel.writes).isEqualTo(2);
  }

  @Test
  void appendAfterAFullDeviceTakesThePlaceOfTheHalfWrittenOne() throws IOException {
    file.append(bytes("ok "));
    channel.failAfter(5, FULL);
    assertThatExceptionOfType(DiskFullException.class)
        .isThrownBy(() -> file.append(bytes("half-written")))
        .withMessageContaining("a");
    assertThat(file.size()).isEqualTo(3);
    assertThat(text()).isEqualTo("ok half-");
    channel.recover();
    file.append(bytes("x"));
    assertThat(file.size()).isEqualTo(4);
    assertThat(text()).isEqualTo("ok x");
  }

  @Test
  void gatheredAppendThatFailsIsCutBackByTruncate() throws IOException {
    file.append(bytes("ok "));
    channel.failAfter(5, "Input/output error");
    assertThatIOException()
        .isThrownBy(() -> file.append(new ByteBuffer[] {bytes("half"), bytes("-written")}))
        .withMessage("Input/output error");
    channel.recover();
    assertThat(text()).isEqualTo("ok half-");
    file.truncate(3);
    assertThat(text()).isEqualTo("ok ");
    file.append(bytes("x"));
    assertThat(text()).isEqualTo("ok x");
  }

  @Test
  void fileThatCannotBeCutBackTakesNoFurtherAppend() throws IOException {
    file.append(bytes("ok "));
    channel.failAfter(5, FULL);
    assertThatIOException().isThrownBy(() -> file.append(bytes("half-written")));
    channel.recover();
    channel.truncateFails = true;
    assertThatIOException().isThrownBy(() -> file.append(bytes("x")));
    assertThatIOException().isThrownBy(() -> file.append(bytes("x")));
    assertThat(text()).isEqualTo("ok half-");
    channel.truncateFails = false;
    file.append(bytes("x"));
    assertThat(text()).isEqualTo("ok x");
  }

  // --- past the page cache

  @Test
  void systemThatOpensNothingPastTheCacheIsAskedOnce() throws IOException {
    directFailure = "Invalid argument";
    file.appendDirect(page('a'));
    file.append(bytes("x"));
    assertThat(text()).hasSize(PAGE + 1);
    file.truncate(PAGE);
    file.appendDirect(page('b'));
    assertThat(text()).isEqualTo("a".repeat(PAGE) + "b".repeat(PAGE));
    assertThat(directOpened).isEqualTo(1);
  }

  @Test
  void systemThatWritesNothingPastTheCacheIsAskedOnce() throws IOException {
    file.append(page('a'));
    stingyDirect = channel -> channel.failAfter(0, "Invalid argument");
    file.appendDirect(page('b'));
    file.appendDirect(page('c'));
    assertThat(text()).isEqualTo("a".repeat(PAGE) + "b".repeat(PAGE) + "c".repeat(PAGE));
    assertThat(directOpened).isEqualTo(1);
    assertThat(openDirects()).isZero();
  }

  @Test
  void deviceThatFailsPastTheCacheIsBrokenIfItWorkedBefore() throws IOException {
    file.appendDirect(page('a'));
    directs.getLast().failAfter(PAGE, "Input/output error");
    assertThatIOException()
        .isThrownBy(() -> file.appendDirect(pages('b', 2)))
        .withMessage("Input/output error");
    assertThat(file.size()).isEqualTo(PAGE);
    file.appendDirect(page('c'));
    file.append(bytes("d"));
    assertThat(text()).isEqualTo("a".repeat(PAGE) + "c".repeat(PAGE) + "d");
    assertThat(directOpened).isEqualTo(2);
    assertThat(openDirects()).isZero();
  }

  @Test
  void fullDeviceIsNamedPastTheCacheToo() throws IOException {
    file.append(page('a'));
    stingyDirect = channel -> channel.failAfter(PAGE, FULL);
    assertThatExceptionOfType(DiskFullException.class)
        .isThrownBy(() -> file.appendDirect(pages('b', 2)));
    assertThat(file.size()).isEqualTo(PAGE);
    assertThat(text()).isEqualTo("a".repeat(PAGE) + "b".repeat(PAGE));
    stingyDirect = channel -> {};
    file.append(bytes("c"));
    assertThat(text()).isEqualTo("a".repeat(PAGE) + "c");
    file.truncate(0);
    file.appendDirect(page('d'));
    assertThat(text()).isEqualTo("d".repeat(PAGE));
    assertThat(directOpened).isEqualTo(2);
  }

  @Test
  void shortWritesPastTheCacheAreContinuedThereOrThroughIt() throws IOException {
    stingyDirect = channel -> channel.bytesAtOnce = PAGE;
    file.appendDirect(pages('a', 3));
    file.truncate(0);
    assertThat(channel.writes).isZero();
    stingyDirect = channel -> channel.bytesAtOnce = PAGE + 512;
    file.appendDirect(pages('b', 3));
    assertThat(channel.writes).isEqualTo(1);
    file.append(bytes("c"));
    assertThat(text()).isEqualTo("b".repeat(3 * PAGE) + "c");
  }

  private static ByteBuffer page(char letter) {
    return pages(letter, 1);
  }

  private static ByteBuffer pages(char letter, int count) {
    byte[] content = String.valueOf(letter).repeat(count * PAGE).getBytes(US_ASCII);
    return DiskContract.aligned(content, 0, content.length);
  }

  private long openDirects() {
    return directs.stream().filter(FileChannel::isOpen).count();
  }

  private FileChannel openDirect(Path path) throws IOException {
    directOpened++;
    if (!directFailure.isEmpty()) {
      throw new IOException(directFailure);
    }
    var opened = new StingyChannel(FileChannel.open(path, StandardOpenOption.WRITE));
    stingyDirect.accept(opened);
    directs.add(opened);
    return opened;
  }

  private static ByteBuffer bytes(String text) {
    return DiskContract.bytes(text);
  }

  private String text() throws IOException {
    return US_ASCII.decode(DiskContract.read(file, 0, 100_000)).toString();
  }

  /** A channel of the system that moves few bytes at once and fails on demand. */
  private static final class StingyChannel extends FileChannel {
    private final FileChannel inner;
    private int bytesAtOnce = Integer.MAX_VALUE;
    private long bytesLeft = Long.MAX_VALUE;
    private String failure = "";
    private boolean truncateFails;
    private int writes;

    StingyChannel(FileChannel inner) {
      this.inner = inner;
    }

    void failAfter(long bytes, String message) {
      bytesLeft = bytes;
      failure = message;
    }

    void recover() {
      bytesLeft = Long.MAX_VALUE;
      failure = "";
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      writes++;
      if (bytesLeft == 0) {
        throw new IOException(failure);
      }
      int count = (int) Math.min(Math.min(source.remaining(), bytesAtOnce), bytesLeft);
      int written = inner.write(source.slice(source.position(), count));
      source.position(source.position() + written);
      bytesLeft -= written;
      return written;
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
      if (!failure.isEmpty() || bytesAtOnce < Integer.MAX_VALUE) {
        return write(sources[offset]);
      }
      writes++;
      return inner.write(sources, offset, length);
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int limit = target.limit();
      target.limit(target.position() + Math.min(target.remaining(), bytesAtOnce));
      try {
        return inner.read(target, position);
      } finally {
        target.limit(limit);
      }
    }

    @Override
    public FileChannel truncate(long size) throws IOException {
      if (truncateFails) {
        throw new IOException("Input/output error");
      }
      inner.truncate(size);
      return this;
    }

    @Override
    public long position() throws IOException {
      return inner.position();
    }

    @Override
    public FileChannel position(long position) throws IOException {
      inner.position(position);
      return this;
    }

    @Override
    public long size() throws IOException {
      return inner.size();
    }

    @Override
    public void force(boolean metaData) throws IOException {
      inner.force(metaData);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      inner.close();
    }

    @Override
    public int read(ByteBuffer target) {
      throw new UnsupportedOperationException("reads carry their position");
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw new UnsupportedOperationException("reads carry their position");
    }

    @Override
    public int write(ByteBuffer source, long position) throws IOException {
      // Of a second channel, past the page cache: appends of the first follow its position.
      inner.position(position);
      return write(source);
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException("bytes are verified before they are sent");
    }

    @Override
    public long transferFrom(ReadableByteChannel source, long position, long count) {
      throw new UnsupportedOperationException("bytes are checksummed on their way in");
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw new UnsupportedOperationException("nothing is mapped");
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException("data files are not locked");
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException("data files are not locked");
    }
  }
}
