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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real file makes of a system that takes and gives less than asked, or fails half-way. */
class RealFileTest {
  private static final String FULL = "No space left on device";

  @TempDir private Path folder;
  private StingyChannel channel;
  private DiskFile file;

  @BeforeEach
  void open() throws IOException {
    channel =
        new StingyChannel(
            FileChannel.open(
                folder.resolve("a"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE));
    file = new RealFile("a", channel, 0);
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

  private static ByteBuffer bytes(String text) {
    return DiskContract.bytes(text);
  }

  private String text() throws IOException {
    return US_ASCII.decode(DiskContract.read(file, 0, 1000)).toString();
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
    public int write(ByteBuffer source, long position) {
      throw new UnsupportedOperationException("appends follow the channel's position");
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
