package io.pannier.server.access;

import java.util.List;

/**
 * What a token may do (http-api.md §4.3). An item of a list is the name of a bucket, or the start
 * of names followed by {@code *}; a wildcard never means a bucket whose name begins with {@code $}.
 *
 * @param fullAccess everything
 * @param read buckets that may be read
 * @param write buckets that may be written; reading them is another matter
 */
public record Permissions(boolean fullAccess, List<String> read, List<String> write) {
  /** Everything. */
  public static final Permissions FULL = new Permissions(true, List.of(), List.of());

  /** Copies the lists. */
  public Permissions {
    read = List.copyOf(read);
    write = List.copyOf(write);
  }

  /** Whether the bucket may be read. */
  public boolean mayRead(String bucket) {
    return fullAccess || grants(read, bucket);
  }

  /** Whether the bucket may be written. */
  public boolean mayWrite(String bucket) {
    return fullAccess || grants(write, bucket);
  }

  private static boolean grants(List<String> items, String bucket) {
    for (String item : items) {
      if (item.equals(bucket)
          || (item.endsWith("*")
              && !bucket.startsWith("$")
              && bucket.startsWith(item.substring(0, item.length() - 1)))) {
        return true;
      }
    }
    return false;
  }
}
