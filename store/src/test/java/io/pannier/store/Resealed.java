package io.pannier.store;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Puts the checksums of a changed file right, as far as its structure can still be followed
 * (docs/format.md), so that what lies behind them is reached.
 */
final class Resealed {
  private static final int HEADER = 64;
  private final ByteBuffer file;
  private final long salt;

  private Resealed(byte[] bytes) {
    file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    salt = file.getLong(32);
  }

  /** A copy with checksums that fit, where there are any. */
  static byte[] of(byte[] bytes) {
    byte[] changed = bytes.clone();
    if (changed.length < HEADER) {
      return changed;
    }
    var sealed = new Resealed(changed);
    switch (new String(changed, 0, 8, StandardCharsets.ISO_8859_1)) {
      case "PNRJRNAL" -> sealed.journal();
      case "PNRBLOCK" -> sealed.block();
      case "PNRCHNGE" -> sealed.changes();
      case "PNRDOCMT" -> sealed.document();
      default -> {
        // FORMAT, or what is no file of ours any more
      }
    }
    sealed.file.putInt(60, Checksum.of(sealed.file, 0, 60));
    return changed;
  }

  private boolean isMagic(int at, String magic) {
    return at + 4 <= file.limit()
        && file.get(at) == magic.charAt(0)
        && file.get(at + 1) == magic.charAt(1)
        && file.get(at + 2) == magic.charAt(2)
        && file.get(at + 3) == magic.charAt(3);
  }

  private static long padded(long length) {
    return length + 7 & -8L;
  }

  private void document() {
    file.putInt(48, file.limit() - HEADER);
    file.putInt(52, Checksum.of(file, HEADER, file.limit() - HEADER));
  }

  private void journal() {
    for (int at = HEADER; at + 24 <= file.limit(); at += 8) {
      if (isMagic(at, "PNJF")) {
        int length = file.getInt(at + 8);
        if (length >= 0 && length <= file.limit() - at - 24) {
          file.putInt(
              at + 12,
              new Checksum()
                  .add(salt)
                  .add(file, at, 12)
                  .add(file, at + 16, 8)
                  .add(file, at + 24, length)
                  .value());
        }
      }
    }
  }

  private void changes() {
    for (int at = HEADER; at + 48 <= file.limit(); at += 8) {
      if (isMagic(at, "PNCF")) {
        file.putInt(at + 44, new Checksum().add((long) at).add(file, at, 44).value());
        long end = at + 48 + padded(Integer.toUnsignedLong(file.getInt(at + 40)));
        if (end + 24 <= file.limit()) {
          int trailer = (int) end;
          file.putInt(
              trailer + 16, new Checksum().add(salt).add(end + 24).add(file, trailer, 16).value());
          file.putInt(trailer + 20, Checksum.of(file, at, trailer + 20 - at));
        }
      }
    }
  }

  private void block() {
    for (int at = HEADER; at + 48 <= file.limit(); at += 8) {
      if (isMagic(at, "PNFR")) {
        frame(at);
      }
    }
    int tail = file.limit() - 32;
    if (tail >= HEADER && isMagic(tail + 28, "PNRT")) {
      file.putInt(tail + 24, new Checksum().add(file, tail, 24).add((long) file.limit()).value());
    }
  }

  private void frame(int at) {
    file.putInt(at + 44, new Checksum().add((long) at).add(file, at, 44).value());
    long raw = file.getLong(at + 16);
    long stored = file.getLong(at + 24);
    long meta = Integer.toUnsignedLong(file.getInt(at + 40));
    boolean isCoded = file.get(at + 5) != 0;
    if (raw < 0 || stored < 0 || raw > 1 << 30 || stored > file.limit() || meta > file.limit()) {
      return;
    }
    int chunks = (int) ((raw + 65_535) / 65_536);
    long body = at + 48 + meta;
    long table = at + 48 + padded(meta + stored);
    long trailer = padded(table + (long) chunks * (isCoded ? 8 : 4));
    if (trailer + 24 > file.limit()) {
      return;
    }
    long from = body;
    for (int i = 0; i < chunks; i++) {
      int entry = (int) table + i * (isCoded ? 8 : 4);
      long length =
          isCoded
              ? Integer.toUnsignedLong(file.getInt(entry))
              : Math.min(65_536, stored - i * 65_536L);
      if (length < 0 || from + length > table) {
        return;
      }
      file.putInt(entry + (isCoded ? 4 : 0), Checksum.of(file, (int) from, (int) length));
      from += length;
    }
    int end = (int) trailer + 24;
    file.putInt(end - 8, new Checksum().add(salt).add((long) end).add(file, end - 24, 16).value());
    file.putInt(
        end - 4,
        new Checksum()
            .add(file, at, 48 + (int) meta)
            .add(file, (int) (body + stored), end - 4 - (int) (body + stored))
            .value());
  }
}
