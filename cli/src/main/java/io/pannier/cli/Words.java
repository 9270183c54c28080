package io.pannier.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Brings options that hold for every client command, and that may stand before its words as with
 * {@code reduct-cli}, behind them: {@code -T 5 bucket -j ls x} becomes {@code bucket ls -T 5 -j x}.
 */
final class Words {
  private static final Set<String> SWITCHES = Set.of("-i", "--ignore-ssl", "-j", "--json");
  private static final Set<String> WITH_VALUE =
      Set.of("-T", "--timeout", "-p", "--parallel", "--ca-cert", "--config");
  private static final Set<String> GROUPS =
      Set.of(
          "alias",
          "server",
          "bucket",
          "token",
          "replica",
          "replication",
          "lifecycle",
          "lc",
          "attachment",
          "export");

  private Words() {}

  /**
   * The words in the order that the commands take.
   *
   * @param name what the program was called by; the oldest tool had other spellings
   */
  static List<String> inOrder(String name, List<String> given) {
    boolean isOld = name.equals("rcli");
    List<String> moved = new ArrayList<>();
    List<String> words = new ArrayList<>();
    int at = options(given, 0, moved, isOld);
    if (at < given.size()) {
      String word = given.get(at++);
      words.add(word);
      if (GROUPS.contains(word)) {
        at = options(given, at, moved, false);
        if (at < given.size() && !given.get(at).startsWith("-")) {
          words.add(given.get(at++));
        }
      }
      if (moved.isEmpty() || word.equals("help")) {
        words.addAll(given.subList(at, given.size()));
        return isOld ? older(words) : words;
      }
    }
    words.addAll(moved);
    words.addAll(given.subList(at, given.size()));
    return isOld ? older(words) : words;
  }

  private static int options(List<String> given, int from, List<String> moved, boolean isOld) {
    int at = from;
    while (at < given.size()) {
      String word = given.get(at);
      int equals = word.indexOf('=');
      String option = equals < 0 ? word : word.substring(0, equals);
      if (isOld && option.equals("-t") && at + 1 < given.size()) {
        moved.add("-T");
        moved.add(given.get(at + 1));
        at += 2;
      } else if (isOld && option.equals("-c") && at + 1 < given.size()) {
        moved.add("--config");
        moved.add(given.get(at + 1));
        at += 2;
      } else if (SWITCHES.contains(word) || (equals > 0 && WITH_VALUE.contains(option))) {
        moved.add(word);
        at++;
      } else if (WITH_VALUE.contains(word) && at + 1 < given.size()) {
        moved.add(word);
        moved.add(given.get(at + 1));
        at += 2;
      } else if (word.matches("-[Tp]\\d+|-[ij]{2}")) {
        moved.add(word);
        at++;
      } else {
        break;
      }
    }
    return at;
  }

  /** {@code token show ALIAS NAME} of the oldest tool is {@code token show ALIAS/NAME} now. */
  private static List<String> older(List<String> words) {
    boolean isNamed =
        words.size() >= 4
            && (words.get(0).equals("token") || words.get(0).equals("replication"))
            && Set.of("show", "create", "update", "rm").contains(words.get(1))
            && !words.get(2).startsWith("-")
            && !words.get(3).startsWith("-")
            && words.get(2).indexOf('/') < 0;
    if (!isNamed) {
      return words;
    }
    List<String> joined = new ArrayList<>(words.subList(0, 2));
    joined.add(words.get(2) + "/" + words.get(3));
    joined.addAll(words.subList(4, words.size()));
    return joined;
  }
}
