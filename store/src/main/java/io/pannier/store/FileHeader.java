package io.pannier.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The first 64 bytes of a block, a change log or a journal ({@code docs/format.md}, "File header").
 * For journals {@code blockId} is the generation.
 *
 * @param salt random per file (per generation of a journal); never told to clients
 */
record FileHeader(
    Kind kind,
    UUID storeId,
    long salt,
    int bucketId,
    int entryId,
    int blockId,
    long createdMicros) {
  static final int BYTES = 64;
  static final int VERSION = 1;

  private static final int VERSION_AT = 8;
  private static final int READER_FLAGS_AT = 12;
  private static final int WRITER_FLAGS_AT = 14;
  private static final int STORE_ID_AT = 16;
  private static final int SALT_AT = 32;
  private static final int BUCKET_AT = 40;
  private static final int ENTRY_AT = 44;
  private static final int BLOCK_AT = 48;
  private static final int CREATED_AT = 52;
  private static final int CRC_AT = 60;

  /** What a file is, by its magic. */
  enum Kind {
    BLOCK("PNRBLOCK"),
    CHANGES("PNRCHNGE"),
    JOURNAL("PNRJRNAL");

    private final long magic;

    Kind(String magic) {
      this.magic = magicOf(magic);
    }
  }

  /** Why a header cannot be used: three reasons with three remedies. */
  abstract static sealed class Unusable extends Exception {
    private static final long serialVersionUID = 1L;

    private Unusable(String message) {
      super(message, null, false, false);
    }
  }

  /** The bytes are not those that were written: another copy, or a rebuild, helps. */
  static final class Corrupt extends Unusable {
    private static final long serialVersionUID = 1L;

    Corrupt(String message) {
      super(message);
    }
  }

  /** A newer program wrote this: that program helps. */
  static final class TooNew extends Unusable {
    private static final long serialVersionUID = 1L;

    TooNew(String message) {
      super(message);
    }
  }

  /** A program wrote this whose format is no longer read: a release in between helps. */
  static final class TooOld extends Unusable {
    private static final long serialVersionUID = 1L;

    TooOld(String message) {
      super(message);
    }
  }

  /** Puts the 64 bytes at the buffer's position, whatever its byte order. */
  void writeTo(ByteBuffer target) {
    int start = target.position();
    ByteOrder order = target.order();
    target.order(ByteOrder.LITTLE_ENDIAN);
    target.putLong(start, kind.magic);
    target.putInt(start + VERSION_AT, VERSION);
    target.putShort(start + READER_FLAGS_AT, (short) 0);
    target.putShort(start + WRITER_FLAGS_AT, (short) 0);
    putUuid(target, start + STORE_ID_AT, storeId);
    target.putLong(start + SALT_AT, salt);
    target.putInt(start + BUCKET_AT, bucketId);
    target.putInt(start + ENTRY_AT, entryId);
    target.putInt(start + BLOCK_AT, blockId);
    target.putLong(start + CREATED_AT, createdMicros);
    target.putInt(start + CRC_AT, Checksum.of(target, start, CRC_AT));
    target.order(order).position(start + BYTES);
  }

  /**
   * Takes a header from the buffer's position, for a server that is going to write: flags of
   * readers and of writers must all be known.
   */
  static FileHeader parse(ByteBuffer source) throws Corrupt, TooNew, TooOld {
    return parse(source, true);
  }

  /**
   * As {@link #parse(ByteBuffer)} for a tool that only reads: unknown flags of writers do not
   * matter.
   */
  static FileHeader parseForReading(ByteBuffer source) throws Corrupt, TooNew, TooOld {
    return parse(source, false);
  }

  private static FileHeader parse(ByteBuffer source, boolean toWrite)
      throws Corrupt, TooNew, TooOld {
    if (source.remaining() < BYTES) {
      throw new Corrupt("only " + source.remaining() + " bytes");
    }
    ByteOrder order = source.order();
    source.order(ByteOrder.LITTLE_ENDIAN);
    try {
      int start = source.position();
      Kind kind = kindOf(source.getLong(start));
      if (source.getInt(start + CRC_AT) != Checksum.of(source, start, CRC_AT)) {
        throw new Corrupt("the checksum differs");
      }
      checkVersion(source.getInt(start + VERSION_AT), VERSION);
      checkFlags(source.getShort(start + READER_FLAGS_AT));
      if (toWrite) {
        checkFlags(source.getShort(start + WRITER_FLAGS_AT));
      }
      var header =
          new FileHeader(
              kind,
              getUuid(source, start + STORE_ID_AT),
              source.getLong(start + SALT_AT),
              source.getInt(start + BUCKET_AT),
              source.getInt(start + ENTRY_AT),
              source.getInt(start + BLOCK_AT),
              source.getLong(start + CREATED_AT));
      source.position(start + BYTES);
      return header;
    } finally {
      source.order(order);
    }
  }

  /**
   * Version as an unsigned number against the one that this program writes, which is also the
   * oldest that it reads.
   */
  static void checkVersion(int found, int known) throws TooNew, TooOld {
    if (Integer.compareUnsigned(found, known) > 0) {
      throw new TooNew("version " + Integer.toUnsignedString(found) + ", known up to " + known);
    }
    if (found != known) {
      throw new TooOld("version " + found + ", known from " + known);
    }
  }

  /** All flags of version 1 are unknown. */
  static void checkFlags(int flags) throws TooNew {
    if (flags != 0) {
      throw new TooNew("unknown flags 0x" + Integer.toHexString(flags));
    }
  }

  /** Eight ASCII characters as they stand in a little-endian file. */
  static long magicOf(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  /** A store id stands in a file in the order of its text form; the buffer is little-endian. */
  static void putUuid(ByteBuffer target, int at, UUID id) {
    target.putLong(at, Long.reverseBytes(id.getMostSignificantBits()));
    target.putLong(at + Long.BYTES, Long.reverseBytes(id.getLeastSignificantBits()));
  }

  /** The counterpart of {@link #putUuid}. */
  static UUID getUuid(ByteBuffer source, int at) {
    return new UUID(
        Long.reverseBytes(source.getLong(at)), Long.reverseBytes(source.getLong(at + Long.BYTES)));
  }

  private static Kind kindOf(long magic) throws Corrupt {
    for (Kind kind : Kind.values()) {
      if (kind.magic == magic) {
        return kind;
      }
    }
    throw new Corrupt("the magic is none of ours");
  }
}
