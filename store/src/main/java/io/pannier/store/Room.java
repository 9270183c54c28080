package io.pannier.store;

import io.pannier.model.Limits;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What all buckets may take together: a cap on what they hold, and room on the device that records
 * leave free. Both are taken before the bytes come, so that no order of writers exceeds them. Any
 * thread may call; only {@link #look} asks the device.
 */
final class Room {
  private final Store store;
  private final long capBytes;
  private final long freeBytes;

  /** Reported sizes of live records and of reservations in all buckets. */
  private final AtomicLong charged = new AtomicLong();

  /** Bytes that may still be appended before the device must be asked again. */
  private final AtomicLong left = new AtomicLong();

  /** Bytes that uploads will append, and that the device does not know of. */
  private final AtomicLong announced = new AtomicLong();

  Room(Store store, Limits.Room limits) {
    this.store = store;
    capBytes = limits.storageBytes();
    freeBytes = limits.freeBytes();
  }

  // -------------------------------------------------------------------------------- the cap

  /** Reserves the size of a record, or growth; false when the cap has no room for it. */
  boolean reserve(long size) {
    for (; ; ) {
      long now = charged.get();
      if (size > capBytes - now) {
        return false;
      }
      if (charged.compareAndSet(now, now + size)) {
        return true;
      }
    }
  }

  /** Reported sizes of live records and of reservations in all buckets. */
  long chargedBytes() {
    return charged.get();
  }

  /** Takes a reservation back, or what is no longer held. */
  void release(long size) {
    charged.addAndGet(-size);
  }

  // -------------------------------------------------------------------------------- the device

  /** Takes bytes about to be appended; false when the device must be asked first. */
  boolean tryTake(long bytes) {
    if (freeBytes == 0) {
      return true;
    }
    for (; ; ) {
      long now = left.get();
      if (bytes > now) {
        return false;
      }
      if (left.compareAndSet(now, now - bytes)) {
        return true;
      }
    }
  }

  /**
   * Takes all bytes of an upload before the first one comes; asks the device if need be.
   *
   * @return false when they would not leave enough free
   */
  synchronized boolean announce(long bytes) throws IOException {
    if (freeBytes == 0) {
      return true;
    }
    if (!tryTake(bytes) && !(look(bytes) && tryTake(bytes))) {
      return false;
    }
    announced.addAndGet(bytes);
    return true;
  }

  /** Announced bytes were appended, or will not be. */
  void arrived(long bytes) {
    if (freeBytes > 0) {
      announced.addAndGet(-bytes);
    }
  }

  /**
   * Asks the device, which others fill and empty too. Appends that are on their way at this moment
   * may go unseen until the next look: a megabyte a thread, for which the free room is there.
   *
   * @return whether so many bytes can be appended
   */
  synchronized boolean look(long bytes) throws IOException {
    if (freeBytes == 0) {
      return true;
    }
    // First what is still to come: what arrives in between counts twice, which is only careful.
    long coming = announced.get();
    long now = store.disk.usableBytes() - freeBytes - coming;
    left.set(now);
    return bytes <= now;
  }

  /** Whether the device has the room left that records leave free, and a little more. */
  boolean hasFree() throws IOException {
    return store.disk.usableBytes() > freeBytes + store.limits.ballastBytes();
  }

  /** What records may take of so many free bytes. */
  long offered(long usableBytes) {
    return Math.max(0, usableBytes - freeBytes);
  }
}
