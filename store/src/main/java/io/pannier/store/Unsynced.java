package io.pannier.store;

/**
 * A block that was appended to since the last round: in the queue of the next one. Guarded by the
 * lock of its entry.
 *
 * <p>Linux keeps an error of writing back with the file, as long as the file is in memory, and
 * tells each handle of it once, by {@code fsync}: those that were open, and a new one if nobody was
 * told yet. An open handle keeps the file in memory. So {@code fsync} is to be believed where one
 * handle was open all the time from the first unsynced byte on. A file that was closed in between
 * may have been forgotten together with its error; then only {@code syncfs} knows, which has a
 * count of errors of its own, but does not say in which file.
 */
final class Unsynced {
  final Block block;
  private long data;
  private long changes;
  private boolean wasClosed;

  Unsynced(Block block) {
    this.block = block;
  }

  /** Bytes were appended to the block, or its change log, or were found behind its end. */
  void appended() {
    Active active = block.active;
    if (active == null) {
      wasClosed = true;
      return;
    }
    long handle = active.data.handle();
    wasClosed |= handle == 0 || (data != 0 && data != handle);
    data = handle;
    handle = active.changes.handle();
    if (handle != 0) {
      wasClosed |= changes != 0 && changes != handle;
      changes = handle;
    }
  }

  /** The round that covered an earlier place in the queue has failed: this one covers both. */
  void goOnFrom(Unsynced earlier) {
    wasClosed |=
        earlier.wasClosed
            || earlier.data != data
            || (earlier.changes != 0 && changes != 0 && earlier.changes != changes);
    if (changes == 0) {
      changes = earlier.changes;
    }
  }

  /** Whether its files were open all the time. */
  boolean wasOpen() {
    Active active = block.active;
    return !wasClosed
        && active != null
        && data == active.data.handle()
        && (changes == 0 || changes == active.changes.handle());
  }
}
