package io.pannier.store.disk;

/**
 * What a path may look like: names joined by single slashes, or the empty string for the root.
 *
 * <p>The engine builds its paths from ids, so anything else is a mistake in the engine and not an
 * answer of the device: it is refused before it can reach a file outside of the data folder.
 */
public final class DiskPaths {
  private DiskPaths() {}

  /** Returns the path of a file or folder below the root. */
  public static String below(String path) {
    if (path.isEmpty()) {
      throw new IllegalArgumentException("the root is not a file: a name is needed");
    }
    return checked(path);
  }

  /** Returns the path of a folder, which may be the root. */
  public static String checked(String path) {
    int start = 0;
    while (start < path.length()) {
      int slash = path.indexOf('/', start);
      int end = slash < 0 ? path.length() : slash;
      boolean empty = end == start;
      boolean dots =
          path.charAt(start) == '.'
              && (end - start == 1 || (end - start == 2 && path.charAt(start + 1) == '.'));
      if (empty || dots || slash == path.length() - 1) {
        throw new IllegalArgumentException("not a path inside the data folder: " + path);
      }
      start = end + 1;
    }
    return path;
  }
}
