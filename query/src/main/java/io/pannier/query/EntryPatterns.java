package io.pannier.query;

import io.pannier.model.Names;
import java.util.ArrayList;
import java.util.List;

/**
 * A choice of entries by names and patterns (http-api.md §12.4): {@code *} within a segment, {@code
 * **} as a segment, {@code name*} without a slash as a plain prefix, {@code !} in front excludes.
 * Immutable. Attachments ({@code $meta}) are chosen by their exact name only.
 *
 * <p>The reference takes every pattern without a slash that ends in {@code *} for a plain prefix,
 * so that {@code **} and {@code c*m*} match nothing there. Here they mean what they say; no
 * existing name can tell the difference, since names have no {@code *}.
 */
public final class EntryPatterns {
  private final List<Pattern> included = new ArrayList<>();
  private final List<Pattern> excluded = new ArrayList<>();
  private final boolean everything;

  /** One pattern, taken apart once. */
  private sealed interface Pattern {
    boolean matches(String name);

    record Exact(String text) implements Pattern {
      @Override
      public boolean matches(String name) {
        return name.equals(text);
      }
    }

    record Prefix(String text) implements Pattern {
      @Override
      public boolean matches(String name) {
        return !Names.isMeta(name) && name.startsWith(text);
      }
    }

    record Path(List<String> segments) implements Pattern {
      @Override
      public boolean matches(String name) {
        return !Names.isMeta(name) && pathMatches(segments, name);
      }
    }
  }

  /** Patterns as a request has them. None, or only exclusions, choose from all visible entries. */
  public EntryPatterns(List<String> patterns) {
    for (String pattern : patterns) {
      if (pattern.length() > 1 && pattern.charAt(0) == '!') {
        excluded.add(parse(pattern.substring(1)));
      } else {
        included.add(parse(pattern));
      }
    }
    everything = included.isEmpty();
  }

  /**
   * Whether the entry is chosen to be copied: attachments go with the entry that they belong to,
   * and may be named themselves.
   */
  public boolean matchesForCopy(String name) {
    if (!Names.isMeta(name)) {
      return matches(name);
    }
    String owner = name.substring(0, Math.max(0, name.length() - Names.META.length() - 1));
    return (everything || any(included, name) || any(included, owner))
        && !any(excluded, name)
        && !any(excluded, owner);
  }

  /** Whether the entry is chosen. */
  public boolean matches(String name) {
    if (everything ? Names.isMeta(name) : !any(included, name)) {
      return false;
    }
    return !any(excluded, name);
  }

  private static boolean any(List<Pattern> patterns, String name) {
    for (int i = 0; i < patterns.size(); i++) {
      if (patterns.get(i).matches(name)) {
        return true;
      }
    }
    return false;
  }

  private static Pattern parse(String text) {
    int from = 0;
    while (from < text.length() && text.charAt(from) == '/') {
      from++;
    }
    String path = text.substring(from);
    int star = path.indexOf('*');
    if (star < 0) {
      return new Pattern.Exact(path);
    }
    if (star == path.length() - 1 && path.indexOf('/') < 0) {
      return new Pattern.Prefix(path.substring(0, star));
    }
    return new Pattern.Path(split(path));
  }

  /**
   * Segments between slashes; unlike {@link String#split} it keeps empty ones at the end, which
   * never match.
   */
  private static List<String> split(String path) {
    var segments = new ArrayList<String>();
    int from = 0;
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', from)) {
      addSegment(segments, path.substring(from, slash));
      from = slash + 1;
    }
    addSegment(segments, path.substring(from));
    return List.copyOf(segments);
  }

  private static void addSegment(List<String> segments, String segment) {
    // "**/**" is "**": without this a hostile pattern could make matching exponential.
    if (!segment.equals("**") || segments.isEmpty() || !segments.getLast().equals("**")) {
      segments.add(segment);
    }
  }

  /**
   * Whether the pattern matches the name. Greedy with one step back to the last {@code **}, so the
   * cost is at most pattern times name.
   */
  private static boolean pathMatches(List<String> pattern, String name) {
    int segment = 0;
    int at = 0;
    int backSegment = -1;
    int backAt = -1;
    // at == length + 1: the name is used up.
    while (at <= name.length()) {
      if (segment < pattern.size() && pattern.get(segment).equals("**")) {
        backSegment = ++segment;
        backAt = at;
        continue;
      }
      int end = segmentEnd(name, at);
      if (segment < pattern.size() && segmentMatches(pattern.get(segment), name, at, end)) {
        segment++;
        at = end + 1;
      } else if (backSegment >= 0) {
        segment = backSegment;
        backAt = segmentEnd(name, backAt) + 1;
        at = backAt;
      } else {
        return false;
      }
    }
    while (segment < pattern.size() && pattern.get(segment).equals("**")) {
      segment++;
    }
    return segment == pattern.size();
  }

  private static int segmentEnd(String name, int at) {
    int slash = name.indexOf('/', at);
    return slash < 0 ? name.length() : slash;
  }

  /** Whether {@code name[from, to)} matches a pattern in which {@code *} stands for any run. */
  private static boolean segmentMatches(String pattern, String name, int from, int to) {
    int p = 0;
    int at = from;
    int star = -1;
    int starAt = 0;
    while (at < to) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        starAt = at;
      } else if (p < pattern.length() && pattern.charAt(p) == name.charAt(at)) {
        p++;
        at++;
      } else if (star >= 0) {
        p = star + 1;
        at = ++starAt;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }
}
