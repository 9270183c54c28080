package io.pannier.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class FileHeaderTest {
  private static final UUID STORE = UUID.fromString("00112233-4455-4677-8899-aabbccddeeff");
  private static final FileHeader HEADER =
      new FileHeader(FileHeader.Kind.BLOCK, STORE, 0x0102030405060708L, 9, 10, 11, 12);

  @Property
  void everyHeaderComesBack(
      @ForAll FileHeader.Kind kind,
      @ForAll long high,
      @ForAll long low,
      @ForAll long salt,
      @ForAll int bucket,
      @ForAll int entry,
      @ForAll int block,
      @ForAll long created)
      throws Exception {
    var header = new FileHeader(kind, new UUID(high, low), salt, bucket, entry, block, created);
    var bytes = ByteBuffer.allocateDirect(100).position(3);
    header.writeTo(bytes);
    assertThat(bytes.position()).isEqualTo(67);
    assertThat(bytes.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
    assertThat(FileHeader.parse(bytes.position(3))).isEqualTo(header);
    assertThat(bytes.position()).isEqualTo(67);
  }

  @Test
  void bytesAreThoseOfTheFormat() {
    ByteBuffer bytes = bytesOf(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(StandardCharsets.US_ASCII.decode(bytes.slice(0, 8)).toString())
        .isEqualTo("PNRBLOCK");
    assertThat(bytes.getInt(8)).isEqualTo(1);
    assertThat(bytes.getInt(12)).isZero();
    for (int i = 0; i < 16; i++) {
      assertThat(bytes.get(16 + i)).isEqualTo((byte) (i * 0x11 - (i == 6 ? 0x20 : 0)));
    }
    assertThat(bytes.getLong(32)).isEqualTo(0x0102030405060708L);
    assertThat(bytes.getInt(40)).isEqualTo(9);
    assertThat(bytes.getInt(44)).isEqualTo(10);
    assertThat(bytes.getInt(48)).isEqualTo(11);
    assertThat(bytes.getLong(52)).isEqualTo(12);
  }

  @Test
  void anyFlippedBitIsCorrupt() {
    for (int bit = 0; bit < 8 * FileHeader.BYTES; bit++) {
      ByteBuffer bytes = bytesOf(HEADER);
      bytes.put(bit / 8, (byte) (bytes.get(bit / 8) ^ 1 << bit % 8));
      assertThatThrownBy(() -> FileHeader.parse(bytes)).isInstanceOf(FileHeader.Corrupt.class);
    }
    assertThatThrownBy(() -> FileHeader.parse(bytesOf(HEADER).limit(63)))
        .isInstanceOf(FileHeader.Corrupt.class);
  }

  @Test
  void versionsAndFlagsOfOthersAreToldApart() throws Exception {
    assertThatThrownBy(() -> FileHeader.parse(patched(8, 2))).isInstanceOf(FileHeader.TooNew.class);
    assertThatThrownBy(() -> FileHeader.parse(patched(8, -1)))
        .isInstanceOf(FileHeader.TooNew.class);
    assertThatThrownBy(() -> FileHeader.parse(patched(8, 0))).isInstanceOf(FileHeader.TooOld.class);
    ByteBuffer readerFlag = patched(12, 1);
    assertThatThrownBy(() -> FileHeader.parseForReading(readerFlag))
        .isInstanceOf(FileHeader.TooNew.class);
    ByteBuffer writerFlag = patched(12, 1 << 16);
    assertThatThrownBy(() -> FileHeader.parse(writerFlag)).isInstanceOf(FileHeader.TooNew.class);
    assertThat(FileHeader.parseForReading(writerFlag)).isEqualTo(HEADER);
  }

  @Test
  void checksumIsThatOfTheRfc() {
    // RFC 3720, B.4: 32 bytes of zeros, and of ones
    assertThat(Checksum.of(ByteBuffer.allocate(40), 4, 32)).isEqualTo(0x8a9136aa);
    var ones = ByteBuffer.allocateDirect(32);
    while (ones.hasRemaining()) {
      ones.put((byte) -1);
    }
    assertThat(Checksum.of(ones, 0, 32)).isEqualTo(0x62a8ab43);
    assertThat(ones.position()).isEqualTo(32);
    var whole = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    whole.putLong(0, 0x0102030405060708L).putLong(8, 5);
    assertThat(new Checksum().add(0x0102030405060708L).add(whole, 8, 8).value())
        .isEqualTo(Checksum.of(whole.asReadOnlyBuffer(), 0, 16));
  }

  private static ByteBuffer bytesOf(FileHeader header) {
    var bytes = ByteBuffer.allocate(FileHeader.BYTES);
    header.writeTo(bytes);
    return bytes.flip();
  }

  /** The header with another field and a checksum that fits. */
  private static ByteBuffer patched(int at, int value) {
    ByteBuffer bytes = bytesOf(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(at, value);
    return bytes.putInt(60, Checksum.of(bytes, 0, 60));
  }
}
