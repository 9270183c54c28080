package io.pannier.extract.ros;

import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Work;
import io.pannier.robotics.mcap.McapContents;
import io.pannier.robotics.mcap.McapException;
import io.pannier.robotics.mcap.McapLimits;
import io.pannier.robotics.mcap.McapReader;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Opens recordings, and keeps what was found out about those that were opened last: their topics,
 * counts, times and indexes. Asking again reads nothing of the record, and cutting reads only
 * messages.
 *
 * <p>In memory only: the summary of a recording is itself such a side record, at a known place, and
 * costs one read after a restart; another copy beside it would have to follow removal, rewriting,
 * eviction and replication for that one read. Recordings that were cut short have none, and are
 * read through once more then.
 */
final class McapFiles {
  /** What is kept in all, and the largest part of it that one recording may be. */
  private static final long BYTES_MAX = 8 << 20;

  private static final long BYTES_MAX_EACH = BYTES_MAX / 4;

  /** Those used last are at the end. */
  private final Map<Object, McapContents> contents = new LinkedHashMap<>(16, 0.75f, true);

  private long bytes;

  /** Opens the recording that an item is. */
  McapReader open(Item item, Work work) throws IOException {
    var source = new BodySource(item.body(), work);
    McapLimits limits = McapLimits.within(work.memoryBytes());
    Object identity = item.identity();
    if (identity == null) {
      return McapReader.open(source, limits);
    }
    McapContents known = known(identity);
    if (known != null) {
      return McapReader.open(source, limits, known);
    }
    McapReader opened = McapReader.open(source, limits);
    keep(identity, opened.contents());
    return opened;
  }

  private synchronized @org.jspecify.annotations.Nullable McapContents known(Object identity) {
    return contents.get(identity);
  }

  private synchronized void keep(Object identity, McapContents found) {
    // What hit a limit of this query may be whole in one that may use more.
    boolean limited =
        found
            .summary()
            .damage()
            .filter(damage -> damage.kind() == McapException.Kind.UNSUPPORTED)
            .isPresent();
    long size = found.memoryBytes();
    if (limited || size > BYTES_MAX_EACH) {
      return;
    }
    McapContents before = contents.put(identity, found);
    bytes += size - (before == null ? 0 : before.memoryBytes());
    var oldest = contents.values().iterator();
    while (bytes > BYTES_MAX && oldest.hasNext()) {
      bytes -= oldest.next().memoryBytes();
      oldest.remove();
    }
  }

  /** What the client reads of a failure. */
  static PannierException failed(IOException e) {
    return e instanceof McapException
        ? new PannierException.Invalid("Failed to read the MCAP recording: " + e.getMessage())
        : new PannierException.Internal("Failed to read an MCAP recording", e);
  }

  /** Refuses recordings that are cut short or damaged, unless that is no surprise. */
  static void requireWhole(McapReader reader, boolean recover) throws McapException {
    McapException damage = reader.summary().damage().orElse(null);
    if (damage == null || (recover && damage.kind() != McapException.Kind.UNSUPPORTED)) {
      return;
    }
    throw new PannierException.Invalid(
        "Failed to read the MCAP recording: "
            + damage.getMessage()
            + (damage.kind() == McapException.Kind.UNSUPPORTED
                ? ""
                : "; with 'recover': true what is good of it is taken"));
  }

  /** Bytes of memory that reading messages of a recording takes. */
  static long memoryBytes(McapReader reader) {
    long most = 0;
    for (var chunk : reader.summary().chunks()) {
      most = Math.max(most, chunk.compressedSize() + chunk.uncompressedSize());
    }
    return Math.max(0, most) + (1 << 20);
  }
}
