package io.pannier.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Consumer;

/** Where a backup comes from: a store in this process, or one behind a connection. */
public interface BackupSource extends AutoCloseable {
  /**
   * Tells everything that there is, in lines without their ends; once, before anything else.
   *
   * @throws io.pannier.model.PannierException when the store refuses
   * @throws IOException when it cannot be asked
   */
  void list(Consumer<String> sink) throws IOException;

  /**
   * Opens a block; each has a higher number than the one before.
   *
   * @return empty when the block is gone: evicted, or removed
   */
  Optional<Bytes> open(Snapshot.Wanted wanted) throws IOException;

  /** The way to the store broke; the same may work when it is tried again. */
  final class Broken extends IOException {
    private static final long serialVersionUID = 1L;

    /** Why it broke. */
    public Broken(String message, @org.jspecify.annotations.Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /** Bytes of a block and then of its change log. */
  interface Bytes extends AutoCloseable {
    /** Offset of the first byte of the block that comes. */
    long from();

    /** Offset of the first byte of the change log that comes. */
    long changesFrom();

    /** Fills the buffer with what comes next, or less at the end. */
    void read(ByteBuffer target) throws IOException;

    @Override
    void close();
  }

  @Override
  void close();

  /** A snapshot of a store in this process. */
  static BackupSource of(Snapshot snapshot) {
    return new BackupSource() {
      @Override
      public void list(Consumer<String> sink) {
        snapshot.list(sink);
      }

      @Override
      public Optional<Bytes> open(Snapshot.Wanted wanted) {
        try {
          return Optional.of(snapshot.open(wanted));
        } catch (io.pannier.model.PannierException.NotFound gone) {
          return Optional.empty();
        }
      }

      @Override
      public void close() {
        snapshot.close();
      }
    };
  }
}
