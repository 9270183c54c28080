package io.pannier.cli.client;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Names of entries on the command line: exact ones, and those with {@code *} at the end. */
final class EntryFilter {
  private final List<String> names = new ArrayList<>();

  EntryFilter(@Nullable List<String> given) {
    if (given != null) {
      names.addAll(given);
    }
  }

  EntryFilter add(String name) {
    names.add(name);
    return this;
  }

  boolean isEmpty() {
    return names.isEmpty();
  }

  /** Whether an entry is meant; all are when no name is given. */
  boolean takes(String entry) {
    return names.isEmpty()
        || names.stream()
            .anyMatch(name ->
                name.endsWith("*")
                    ? entry.startsWith(name.substring(0, name.length() - 1))
                    : entry.equals(name));
  }
}
