package io.pannier.extract.ros;

import io.pannier.model.PannierException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a message that something is wanted of, as a tree that is walked together with the
 * message. Paths are names with dots, and {@code [n]} for elements from 0 on: {@code
 * pose.covariance[0]}.
 */
final class FieldTree {
  /** How a field becomes text. */
  enum Encoding {
    /** The bytes. */
    BASE64,
    /** An image, as the base64 of a JPEG file. */
    JPEG,
    /** An image, as the base64 of a PNG file. */
    PNG
  }

  /** What a part of {@code header.stamp} means. */
  enum Stamp {
    /** Seconds and nanoseconds in one. */
    TIME,
    /** Its seconds. */
    SECONDS,
    /** Its nanoseconds. */
    NANOSECONDS
  }

  private static final int PARTS_MAX = 64;
  private static final Pattern PART = Pattern.compile("([^.\\[\\]]+)((?:\\[\\d{1,9}])*)(\\.|$)");
  private static final Pattern INDEX = Pattern.compile("\\[(\\d+)]");

  final Map<String, FieldTree> fields = new HashMap<>();
  final Map<Integer, FieldTree> elements = new HashMap<>();
  final List<String> labels = new ArrayList<>();
  @Nullable Encoding encoding;
  @Nullable Stamp stamp;

  /** A tree that only looks for the time. */
  FieldTree() {}

  /** A tree that looks for {@code header.stamp}, whatever its parts are called. */
  static FieldTree withStamp() {
    var root = new FieldTree();
    FieldTree stamp = root.field("header").field("stamp");
    stamp.stamp = Stamp.TIME;
    for (String name : List.of("sec", "secs", "seconds")) {
      stamp.field(name).stamp = Stamp.SECONDS;
    }
    for (String name : List.of("nanosec", "nsec", "nsecs", "nanos")) {
      stamp.field(name).stamp = Stamp.NANOSECONDS;
    }
    return root;
  }

  /**
   * The part of the tree at a path, made if need be.
   *
   * @param parameter that the path stands in, for errors
   */
  FieldTree at(String path, String parameter) {
    String rest = path.startsWith("$.") ? path.substring(2) : path;
    FieldTree at = this;
    Matcher part = PART.matcher(rest);
    int end = 0;
    int parts = 0;
    while (end < rest.length() && part.find(end) && part.start() == end && parts < PARTS_MAX) {
      at = at.field(part.group(1));
      Matcher index = INDEX.matcher(part.group(2));
      while (index.find()) {
        at = at.elements.computeIfAbsent(Integer.valueOf(index.group(1)), _ -> new FieldTree());
      }
      end = part.end();
      parts++;
    }
    if (end < rest.length() || rest.isEmpty() || rest.endsWith(".")) {
      throw new PannierException.Invalid(
          "'"
              + parameter
              + "' must be a path such as 'pose.position.x' or 'ranges[0]', not '"
              + path
              + "'");
    }
    return at;
  }

  private FieldTree field(String name) {
    return fields.computeIfAbsent(name, _ -> new FieldTree());
  }
}
