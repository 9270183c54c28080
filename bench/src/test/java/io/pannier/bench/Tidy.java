package io.pannier.bench;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The house rules that a compiler cannot check. Each takes one source file and returns its
 * offences.
 */
final class Tidy {
  /** Which rooms a room may use: those left of it. */
  static final Map<String, Set<String>> ARROWS =
      Map.ofEntries(
          room("model"),
          room("store", "model"),
          room("s3", "model", "store"),
          room("query", "model", "store"),
          room("robotics", "model"),
          room("extract", "model", "query", "robotics"),
          room("client", "model"),
          room("replicate", "model", "store", "query", "client"),
          room("server", "model", "store", "query", "client", "replicate"),
          room(
              "cli",
              "model",
              "store",
              "s3",
              "query",
              "robotics",
              "extract",
              "client",
              "replicate",
              "server"),
          room(
              "bench",
              "model",
              "store",
              "s3",
              "query",
              "robotics",
              "extract",
              "client",
              "replicate",
              "server",
              "cli"));

  /** The only files that may ask the machine for time or randomness. */
  static final Set<String> SOURCES_OF_CHANCE = Set.of("SystemClock.java", "SystemRandom.java");

  private static final Pattern PACKAGE = Pattern.compile("\\bio\\.pannier\\.([a-z0-9]+)");

  private static final Pattern CHANCE =
      Pattern.compile(
          "\\bInstant\\.now\\(|\\bSystem\\.(nanoTime|currentTimeMillis)\\("
              + "|\\bnew (Random|SecureRandom|SplittableRandom)\\(|\\bSecureRandom\\.getInstance"
              + "|\\bMath\\.random\\b|\\bThreadLocalRandom\\b|\\bUUID\\.randomUUID\\b"
              + "|\\bRandomGenerator\\.(getDefault|of)\\("
              + "|\\b(Local|Zoned|Offset)(Date|Time|DateTime)\\.now\\(|\\bClock\\.system");

  /**
   * A name that stands for a record's time: start, queryStop, latest(), block.oldest,
   * times.minTime.
   */
  private static final String TIME =
      "(?:\\b(?:timestamp|ts|start|stop|oldest|latest|minTime|maxTime)"
          + "|\\w(?:Timestamp|Ts|Start|Stop|Oldest|Latest|MinTime|MaxTime))\\b"
          + "|\\b(?:timestamps|\\w+Timestamps)(?=\\[)";

  // The formatter puts blanks around comparisons and none around type arguments.
  // A start below a length is an offset.
  private static final String NOT_A_SIZE =
      "(?!\\(?[\\w.]*\\b(?:length|size|limit|capacity|remaining|readableBytes)\\b)";
  private static final Pattern SIGNED_LEFT =
      Pattern.compile(
          "(?:"
              + TIME
              + ")(?:\\(\\)|\\[[^\\]\\n]*\\])?\\s(?:<|>|<=|>=)\\s"
              + NOT_A_SIZE
              + "\\(?[A-Za-z_]");
  private static final Pattern SIGNED_RIGHT =
      Pattern.compile("[\\w)\\]]\\s(?:<|>|<=|>=)\\s(?:\\w+(?:\\(\\))?\\.)*\\w*?(?:" + TIME + ")");
  private static final Pattern SIGNED_CALL =
      Pattern.compile("\\b(?:Math\\.(?:min|max)|Long\\.(?:compare|min|max)|comparingLong)\\(");
  private static final Pattern TIME_NAME = Pattern.compile(TIME);
  private static final Pattern SAID_WHY = Pattern.compile("// tidy: .{10,}");

  private static final Pattern TO_DO = Pattern.compile("\\b(TODO|FIXME|XXX)\\b");
  private static final Pattern TO_DO_WITH_REASON = Pattern.compile("\\bTODO: .{10,}");
  private static final Pattern DEAD_CODE = Pattern.compile("(?m)^[ \\t]*//.*[;{][ \\t]*$");
  private static final Pattern SLEEP =
      Pattern.compile(
          "\\bThread\\.sleep\\(|\\b(NANO|MICRO|MILLI)?SECONDS\\.sleep\\(|\\bparkNanos\\(");

  private Tidy() {}

  private static Map.Entry<String, Set<String>> room(String name, String... others) {
    var mayUse = new HashSet<>(List.of(others));
    mayUse.add(name);
    return Map.entry(name, Set.copyOf(mayUse));
  }

  /**
   * One source file, taken apart: places of the one part are blank in the other, so offsets agree.
   */
  record Source(String text, String code, String comments) {
    static Source of(String text) {
      return new Reader(text).read();
    }

    String line(int offset) {
      return text.substring(lineStart(offset), lineEnd(offset));
    }

    int lineNumber(int offset) {
      return 1 + (int) text.substring(0, offset).chars().filter(c -> c == '\n').count();
    }

    private int lineStart(int offset) {
      return text.lastIndexOf('\n', offset - 1) + 1;
    }

    private int lineEnd(int offset) {
      int end = text.indexOf('\n', offset);
      return end < 0 ? text.length() : end;
    }
  }

  /** Names of rooms to the right of this one. */
  static List<String> againstTheArrows(String room, Source source) {
    return find(
        PACKAGE, source, source.code(), match -> !ARROWS.get(room).contains(match.group(1)));
  }

  /** Time and randomness that a test could not turn by hand. */
  static List<String> chance(String room, String fileName, Source source) {
    if (SOURCES_OF_CHANCE.contains(fileName)) {
      return List.of();
    }
    return find(
        CHANCE,
        source,
        source.code(),
        match -> !(room.equals("bench") && match.group().equals("System.nanoTime(")));
  }

  /**
   * Times are unsigned: operators and signed comparisons are wrong for them. A line that is right
   * all the same says so: {@code // tidy: offsets, not times}.
   */
  static List<String> signedTimes(Source source) {
    var offences = new ArrayList<String>();
    offences.addAll(find(SIGNED_LEFT, source, source.code(), _ -> true));
    offences.addAll(find(SIGNED_RIGHT, source, source.code(), _ -> true));
    offences.addAll(
        find(
            SIGNED_CALL,
            source,
            source.code(),
            match -> TIME_NAME.matcher(inParentheses(source.code(), match.end())).find()));
    return offences.stream().distinct().toList();
  }

  /** Work left undone without a word on why. */
  static List<String> bareToDo(Source source) {
    return find(
        TO_DO,
        source,
        source.comments(),
        match -> !TO_DO_WITH_REASON.matcher(source.line(match.start())).find());
  }

  /** Code that was commented out. */
  static List<String> deadCode(Source source) {
    return find(DEAD_CODE, source, source.comments(), _ -> true);
  }

  /** Tests that hope instead of wait. */
  static List<String> sleeps(Source source) {
    return find(SLEEP, source, source.code(), _ -> true);
  }

  private interface Condition {
    boolean holds(Matcher match);
  }

  private static List<String> find(
      Pattern pattern, Source source, String part, Condition condition) {
    var offences = new ArrayList<String>();
    Matcher match = pattern.matcher(part);
    while (match.find()) {
      int place = match.end() - 1;
      if (condition.holds(match) && !SAID_WHY.matcher(source.line(place)).find()) {
        offences.add(source.lineNumber(place) + ": " + source.line(place).strip());
      }
    }
    return offences;
  }

  private static String inParentheses(String code, int from) {
    int depth = 1;
    int end = from;
    while (end < code.length() && depth > 0) {
      char c = code.charAt(end++);
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    return code.substring(from, end);
  }

  /** Tells code, comments and literals apart. */
  private static final class Reader {
    private final String text;
    private final char[] code;
    private final char[] comments;
    private int at;

    Reader(String text) {
      this.text = text;
      this.code = text.toCharArray();
      this.comments = text.replaceAll("[^\\n]", " ").toCharArray();
    }

    Source read() {
      while (at < text.length()) {
        if (text.startsWith("//", at)) {
          comment(endOf("\n", at));
        } else if (text.startsWith("/*", at)) {
          comment(endOf("*/", at + 2) + 2);
        } else if (text.startsWith("\"\"\"", at)) {
          literal("\"\"\"");
        } else if (text.charAt(at) == '"') {
          literal("\"");
        } else if (text.charAt(at) == '\'') {
          literal("'");
        } else {
          at++;
        }
      }
      return new Source(text, new String(code), new String(comments));
    }

    private int endOf(String mark, int from) {
      int end = text.indexOf(mark, from);
      return end < 0 ? text.length() : end;
    }

    private void comment(int end) {
      for (int last = Math.min(end, text.length()); at < last; at++) {
        comments[at] = text.charAt(at);
        blank();
      }
    }

    private void literal(String quote) {
      at += quote.length();
      while (at < text.length() && !text.startsWith(quote, at)) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          blank();
          at++;
        }
        blank();
        at++;
      }
      at = Math.min(at + quote.length(), text.length());
    }

    private void blank() {
      if (text.charAt(at) != '\n') {
        code[at] = ' ';
      }
    }
  }
}
