package io.pannier.store;

import java.io.IOException;

/** What a backup says of itself does not check: nothing can be restored from that part of it. */
public final class BackupDamaged extends IOException {
  private static final long serialVersionUID = 1L;

  BackupDamaged(String message) {
    super(message);
  }
}
