package io.pannier.store;

import org.jspecify.annotations.Nullable;

/**
 * What the engine has to tell its operator. Called from any thread, must be quick and not throw.
 */
public interface StoreEvents {
  /** How bad it is. */
  enum Kind {
    /** Stored bytes do not match their checksums. */
    DAMAGE,
    /** Records are gone that were written: unsynced at a power cut, or in a damaged place. */
    LOSS,
    /** An operation failed and will be tried again. */
    FAILURE,
    /** Something worth a line. */
    NOTE
  }

  /** Tells of one event; the text is constant, the subject names block, bucket or file. */
  void event(Kind kind, String text, String subject, @Nullable Throwable cause);
}
