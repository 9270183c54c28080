package io.pannier.server.access;

import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

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

  private static final Pattern ITEM = Pattern.compile("[*a-zA-Z0-9_\\-]+|\\$.*");

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

  /**
   * Refuses items that can never mean a bucket.
   *
   * @throws PannierException.Invalid naming the first of them
   */
  public void check() {
    var all = new ArrayList<>(read);
    all.addAll(write);
    for (String item : all) {
      if (!ITEM.matcher(item).matches()) {
        throw new PannierException.Invalid(
            "Permission can contain only bucket names or wildcard '*', got '" + item + "'");
      }
    }
  }

  /** Whether the bucket stands in a list by its whole name. */
  boolean names(String bucket) {
    return read.contains(bucket) || write.contains(bucket);
  }

  /**
   * The same with another name for a bucket that stands in a list by its whole name.
   *
   * @param to empty: it is taken out
   */
  Permissions renamed(String from, Optional<String> to) {
    return names(from)
        ? new Permissions(fullAccess, renamed(read, from, to), renamed(write, from, to))
        : this;
  }

  private static List<String> renamed(List<String> items, String from, Optional<String> to) {
    var changed = new LinkedHashSet<String>();
    for (String item : items) {
      if (item.equals(from)) {
        to.ifPresent(changed::add);
      } else {
        changed.add(item);
      }
    }
    return List.copyOf(changed);
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
