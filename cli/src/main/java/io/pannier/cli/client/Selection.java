package io.pannier.cli.client;

import io.pannier.client.QueryOptions;
import io.pannier.client.When;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that say which records of a bucket are meant. */
final class Selection {
  @Option(
      names = {"-b", "--start"},
      paramLabel = "<TIME>",
      description =
          "First time: Unix microseconds, RFC3339, local date or datetime, or relative (now-1h)")
  @Nullable String start;

  @Option(
      names = {"-e", "--stop"},
      paramLabel = "<TIME>",
      description = "Time behind the last, in the same forms; now if not given")
  @Nullable String stop;

  @Option(
      names = {"-n", "--entries"},
      arity = "0..*",
      split = ",",
      paramLabel = "<ENTRY_NAME>",
      description = "Entries; all if not given. * at the end of a name stands for any rest")
  @Nullable List<String> entries;

  @Option(
      names = {"-w", "--when"},
      paramLabel = "<CONDITION>",
      description = "Only records for which this JSON condition holds")
  @Nullable String when;

  @Option(
      names = {"-s", "--strict"},
      description = "Fail when the condition cannot be judged, instead of passing a record over")
  boolean strict;

  @Option(
      names = {"-N", "--each-n"},
      paramLabel = "<NUMBER>",
      description = "(DEPRECATED) Every n-th record")
  @Nullable Long eachN;

  @Option(
      names = {"-S", "--each-s"},
      paramLabel = "<NUMBER>",
      description = "(DEPRECATED) A record every n seconds")
  @Nullable Double eachS;

  @Option(
      names = {"-X", "--ext-params"},
      paramLabel = "<JSON>",
      description = "Parameters of server-side extensions")
  @Nullable String ext;

  /** Labels that records must have, of the oldest tool. */
  @Option(
      names = {"-I", "--include"},
      split = ",",
      hidden = true,
      paramLabel = "<LABEL=VALUE>",
      description = "Only records with these labels")
  @Nullable Map<String, String> include;

  @Option(
      names = "--exclude",
      split = ",",
      hidden = true,
      paramLabel = "<LABEL=VALUE>",
      description = "Only records without these labels")
  @Nullable Map<String, String> exclude;

  /** Whether nothing narrows it. */
  boolean isEmpty() {
    return start == null && stop == null && entries == null && !hasCondition();
  }

  boolean hasCondition() {
    return when != null
        || eachN != null
        || eachS != null
        || ext != null
        || include != null
        || exclude != null;
  }

  EntryFilter filter() {
    return new EntryFilter(entries);
  }

  /** As a query, without the entries. */
  QueryOptions options() {
    QueryOptions options = QueryOptions.all();
    Long first = ClientCommand.time(start);
    Long last = ClientCommand.time(stop);
    if (first != null) {
      options = options.from(first);
    }
    if (last != null) {
      options = options.before(last);
    }
    Optional<When> condition = Conditions.when(when, eachN, eachS, ext);
    if (include != null) {
      for (var label : include.entrySet()) {
        condition = and(condition, When.labelText(label.getKey()).eq(label.getValue()));
      }
    }
    if (exclude != null) {
      for (var label : exclude.entrySet()) {
        condition =
            and(
                condition,
                When.noneOf(
                    When.exists(label.getKey())
                        .and(When.labelText(label.getKey()).eq(label.getValue()))));
      }
    }
    if (condition.isPresent()) {
      options = options.when(condition.get());
    }
    return strict ? options.strictly() : options;
  }

  private static Optional<When> and(Optional<When> first, When second) {
    return Optional.of(first.map(one -> second.and(one)).orElse(second));
  }
}
