package io.pannier.store;

import io.pannier.store.disk.DiskFile;
import io.pannier.store.disk.DiskFullException;
import java.io.IOException;

/**
 * A file that keeps room back on the device, so that removing works when nothing else fits: it is
 * given up piece by piece, no more than is needed, since on a full device others take at once what
 * becomes free. It is made whole again when there is room. Any thread may call.
 */
final class Ballast {
  private static final String NAME = "ballast";

  /** What is given up first for one write; each further attempt takes four times as much. */
  private static final long FIRST_PIECE = 16 << 10;

  /** Part of what is free, with the ballast itself, that it may take. */
  private static final int PART = 8;

  private final Store store;

  /** Length of the file; 0 when there is none. Guarded by this. */
  private long bytes;

  Ballast(Store store) {
    this.store = store;
  }

  /** Whether there is some to give up. */
  synchronized boolean any() {
    return bytes > 0;
  }

  /** Takes over the ballast of the last run, or makes it; a full device goes without. */
  synchronized void open() throws IOException {
    if (store.disk.exists(NAME)) {
      try (DiskFile file = store.disk.open(NAME)) {
        bytes = file.size();
      }
    }
    make(1);
  }

  /** Does what must work on a full device too: gives up a piece and tries again. */
  <T> T writing(Store.Writing<T> writing) throws IOException {
    for (long piece = FIRST_PIECE; ; piece *= 4) {
      try {
        return writing.run();
      } catch (DiskFullException full) {
        if (!giveUp(piece)) {
          throw full;
        }
      }
    }
  }

  /**
   * Makes it as long as it should be, when less than half of it is left and the device has room for
   * several. Never fails: it is asked for again.
   */
  synchronized void refill() {
    make(Math.min(FIRST_PIECE, store.limits.ballastBytes()));
  }

  private void make(long least) {
    try {
      long free = store.disk.usableBytes();
      long wanted = Math.min(store.limits.ballastBytes(), (free + bytes) / PART);
      if (wanted < least || bytes > wanted / 2) {
        return;
      }
      bytes = 0; // allocate() begins anew, and leaves nothing when it fails
      store.disk.allocate(NAME, wanted);
      bytes = wanted;
    } catch (DiskFullException full) {
      store.events.event(
          StoreEvents.Kind.NOTE, "device is full: no room for the ballast", NAME, null);
    } catch (IOException failed) {
      store.failure("ballast could not be made", NAME, failed);
    }
  }

  private synchronized boolean giveUp(long piece) throws IOException {
    if (bytes == 0) {
      return false;
    }
    long rest = Math.max(0, bytes - piece);
    if (rest == 0) {
      store.disk.delete(NAME);
    } else {
      try (DiskFile file = store.disk.open(NAME)) {
        file.truncate(rest);
      }
    }
    store.tally.ballastReleases.increment();
    store.events.event(
        StoreEvents.Kind.NOTE,
        "device is full: " + (bytes - rest) + " bytes of ballast were given up",
        NAME,
        null);
    bytes = rest;
    return true;
  }
}
