package io.pannier.store.disk;

import java.io.IOException;
import java.nio.file.FileSystemException;

/**
 * Tells a full device from a broken one. The JDK reports both as a text, and the text follows the
 * language of the process, so the English words are tried first and those of the C library after
 * them.
 */
final class DeviceFailures {
  private DeviceFailures() {}

  /**
   * Returns a {@link DiskFullException} where the failure means that, otherwise the failure itself.
   */
  static IOException named(String path, IOException failure) {
    if (!isFull(failure)) {
      return failure;
    }
    var full = new DiskFullException(path);
    full.initCause(failure);
    return full;
  }

  static boolean isFull(IOException failure) {
    if (failure instanceof DiskFullException) {
      return true;
    }
    String text = text(failure);
    return text.contains("No space left on device")
        || text.contains("Disk quota exceeded")
        || (!text.isEmpty() && isFullInTheLanguageOfTheProcess(text));
  }

  private static boolean isFullInTheLanguageOfTheProcess(String text) {
    try {
      return text.contains(Libc.errorText(Libc.ENOSPC))
          || text.contains(Libc.errorText(Libc.EDQUOT));
    } catch (RuntimeException | LinkageError _) {
      return false; // no native access: the first failure stays the one to report
    }
  }

  private static String text(IOException failure) {
    // The message of a FileSystemException also has the path in it, and a path can have any words.
    String text =
        failure instanceof FileSystemException named ? named.getReason() : failure.getMessage();
    return text == null ? "" : text;
  }
}
