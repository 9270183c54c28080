package io.pannier.model;

/** The rules for names on the wire, with the reference server's texts (http-api.md §3.2). */
public final class Names {
  /** Last segment of the entry that holds the attachments of its parent. */
  public static final String META = "$meta";

  private Names() {}

  /** Returns a bucket name that a client may create, or throws {@link PannierException.Invalid}. */
  public static String checkBucket(String name) {
    if (name.isEmpty()) {
      throw new PannierException.Invalid("Bucket name must not be empty");
    }
    for (int i = 0; i < name.length(); i++) {
      if (!isNameCharacter(name.charAt(i))) {
        throw new PannierException.Invalid(
            "Bucket or entry name can contain only letters, digests and [-,_] symbols");
      }
    }
    return name;
  }

  /** Returns an entry name, or throws {@link PannierException.Invalid}. */
  public static String checkEntry(String name) {
    int segmentStart = 0;
    for (int i = 0; i <= name.length(); i++) {
      if (i == name.length() || name.charAt(i) == '/') {
        if (i == segmentStart) {
          throw new PannierException.Invalid(
              "Entry name must be non-empty and must not contain empty path segments");
        }
        segmentStart = i + 1;
      } else if (!isNameCharacter(name.charAt(i)) && !isMetaSegment(name, segmentStart)) {
        throw new PannierException.Invalid(
            "Entry name can contain only letters, digits and [-,_,/] symbols or end with '/$meta'");
      }
    }
    return name;
  }

  /** Whether the entry holds attachments: {@code $meta} or {@code <entry>/$meta}. */
  public static boolean isMeta(String entry) {
    return entry.equals(META) || entry.endsWith("/" + META);
  }

  private static boolean isMetaSegment(String name, int segmentStart) {
    return name.length() - segmentStart == META.length() && name.startsWith(META, segmentStart);
  }

  private static boolean isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '_';
  }
}
