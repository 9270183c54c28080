package io.pannier.store.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What lies of a file in segments: its first {@link #length} bytes. Immutable. Packed, as a store
 * of a million blocks has a million of these.
 */
final class Facts {
  /** Position of the footer of a file that has none. */
  static final long UNSEALED = -1;

  static final Facts EMPTY = new Facts(new long[] {0, UNSEALED});

  private static final int HEAD = 2;
  private static final int PER_EXTENT = 4;

  /** Length, position of the footer, then four words an extent. */
  private final long[] words;

  private Facts(long[] words) {
    this.words = words;
  }

  static Facts of(long footer, List<Extent> extents) {
    var words = new long[HEAD + PER_EXTENT * extents.size()];
    long length = 0;
    int at = HEAD;
    for (Extent extent : extents) {
      words[at++] = extent.segment();
      words[at++] = extent.at();
      words[at++] = extent.length();
      words[at++] = extent.crc();
      length += extent.length();
    }
    words[0] = length;
    words[1] = footer;
    return new Facts(words);
  }

  long length() {
    return words[0];
  }

  /** Where the footer of a sealed block begins; {@link #UNSEALED} for all other files. */
  long footer() {
    return words[1];
  }

  boolean isSealed() {
    return words[1] != UNSEALED;
  }

  int extents() {
    return (words.length - HEAD) / PER_EXTENT;
  }

  Extent extent(int index) {
    int at = HEAD + PER_EXTENT * index;
    return new Extent(words[at], words[at + 1], words[at + 2], (int) words[at + 3]);
  }

  List<Extent> all() {
    var all = new ArrayList<Extent>(extents());
    for (int i = 0; i < extents(); i++) {
      all.add(extent(i));
    }
    return all;
  }

  /** Reads a part of an extent: as many bytes as the buffer has room for. */
  interface ExtentReader {
    /** Reads from a position in the extent with this place in the file. */
    void read(int index, Extent extent, long from, ByteBuffer part) throws IOException;
  }

  /** Fills the target with bytes of the file, up to its end. */
  void read(long position, ByteBuffer target, ExtentReader reader) throws IOException {
    if (position < 0) {
      throw new IllegalArgumentException("position is negative: " + position);
    }
    long at = position;
    long begin = 0;
    for (int i = 0; i < extents() && target.hasRemaining(); i++) {
      Extent extent = extent(i);
      long end = begin + extent.length();
      if (at < end && at >= begin) {
        int bytes = (int) Math.min(target.remaining(), end - at);
        int limit = target.limit();
        target.limit(target.position() + bytes);
        try {
          reader.read(i, extent, at - begin, target);
        } finally {
          target.limit(limit);
        }
        at = end;
      }
      begin = end;
    }
  }

  /** The same with more bytes at its end. */
  Facts with(Extent more) {
    var all = all();
    all.add(more);
    return of(UNSEALED, all);
  }

  /** The same file, known to be sealed. */
  Facts sealedAt(long footer) {
    long[] changed = words.clone();
    changed[1] = footer;
    return new Facts(changed);
  }

  /**
   * The same file cut to a length. An extent that is cut in two goes as a whole, since its checksum
   * is one of all its bytes; so the result may be shorter.
   */
  Facts cutTo(long length) {
    if (length >= length()) {
      return this;
    }
    var kept = new ArrayList<Extent>();
    long end = 0;
    for (Extent extent : all()) {
      if (end + extent.length() > length) {
        break;
      }
      kept.add(extent);
      end += extent.length();
    }
    return of(UNSEALED, kept);
  }

  /**
   * The same bytes with some of them elsewhere: extents from the first one on that begin at {@code
   * from}, which together are as long as the new one.
   */
  Facts moved(long from, Extent to) {
    var all = new ArrayList<Extent>();
    long position = 0;
    boolean placed = false;
    for (Extent extent : all()) {
      if (position >= from && position < from + to.length()) {
        if (!placed) {
          all.add(to);
          placed = true;
        }
      } else {
        all.add(extent);
      }
      position += extent.length();
    }
    return of(footer(), all);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Facts facts && Arrays.equals(words, facts.words);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(words);
  }

  @Override
  public String toString() {
    return length() + " bytes in " + all();
  }
}
