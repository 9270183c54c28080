package io.pannier.store.disk;

import java.io.IOException;

/** The device has no room left, as opposed to any other failure of it. */
public final class DiskFullException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Names the file that could not grow. */
  public DiskFullException(String path) {
    super("no space left on device: " + path);
  }
}
