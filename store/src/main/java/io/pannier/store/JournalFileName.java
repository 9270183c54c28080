package io.pannier.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Name of a file of a journal: {@code <prefix>-<generation>.a} or {@code .b}, with {@code .new}
 * behind it until the generation is complete.
 *
 * @param copy 0 for {@code .a}, 1 for {@code .b}
 */
record JournalFileName(String prefix, int generation, int copy, boolean complete) {
  private static final List<String> COPIES = List.of(".a", ".b");
  private static final String NEW = ".new";

  /** The name without folder. */
  String text() {
    return prefix + "-" + generation + COPIES.get(copy) + (complete ? "" : NEW);
  }

  /** The name below the data folder. */
  String path(String folder) {
    return folder.isEmpty() ? text() : folder + "/" + text();
  }

  /** Takes a name apart that this class could have made. */
  static Optional<JournalFileName> parse(String prefix, String text) {
    String rest = text;
    boolean complete = !rest.endsWith(NEW);
    if (!complete) {
      rest = rest.substring(0, rest.length() - NEW.length());
    }
    for (int copy = 0; copy < COPIES.size(); copy++) {
      if (rest.endsWith(COPIES.get(copy)) && rest.startsWith(prefix + "-")) {
        String digits =
            rest.substring(prefix.length() + 1, rest.length() - COPIES.get(copy).length());
        try {
          var name = new JournalFileName(prefix, Integer.parseInt(digits), copy, complete);
          return name.generation > 0 && name.text().equals(text)
              ? Optional.of(name)
              : Optional.empty();
        } catch (NumberFormatException _) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  /** Those of a folder's names that belong to the journal, in no order. */
  static List<JournalFileName> in(List<String> names, String prefix) {
    var found = new ArrayList<JournalFileName>();
    for (String name : names) {
      parse(prefix, name).ifPresent(found::add);
    }
    return found;
  }

  /** The highest complete generation, 0 when there is none. */
  static int newest(List<JournalFileName> names) {
    int newest = 0;
    for (JournalFileName name : names) {
      if (name.complete) {
        newest = Math.max(newest, name.generation);
      }
    }
    return newest;
  }
}
