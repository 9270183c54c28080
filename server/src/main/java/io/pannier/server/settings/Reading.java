package io.pannier.server.settings;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One look at an environment: hands out values and gathers all there is to say about it, so that
 * every mistake is told at once.
 */
final class Reading {
  private static final List<String> PREFIXES = List.of("PANNIER_", "RS_");

  /** A variable that is set, by the name under which it was found. */
  private record Found(String fullName, String text) {}

  /** By name without prefix. */
  private final Map<String, Found> found = new TreeMap<>();

  private final Set<String> asked = new HashSet<>();
  private final List<Report.Line> lines = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private final List<String> mistakes = new ArrayList<>();

  /**
   * @param options what the command line says, by name without prefix; it goes first
   */
  Reading(Map<String, String> environment, Map<String, String> options) {
    options.forEach((name, text) -> found.put(name, new Found(optionName(name), text)));
    Set<String> ours = new HashSet<>();
    Table.ALL.stream().filter(Setting::isOurs).forEach(setting -> ours.add(setting.name()));
    for (String prefix : PREFIXES) {
      new TreeMap<>(environment)
          .forEach((fullName, text) -> {
            if (fullName.startsWith(prefix)) {
              String name = fullName.substring(prefix.length());
              if (prefix.equals("RS_") && ours.contains(name)) {
                warnings.add(fullName + " is unknown; the name is PANNIER_" + name);
              } else {
                put(Table.ALIASES.getOrDefault(name, name), new Found(fullName, text));
              }
            }
          });
    }
    oldNames();
  }

  private static String optionName(String name) {
    return "--" + name.toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private void put(String name, Found one) {
    Found before = found.putIfAbsent(name, one);
    if (before != null && !before.text().equals(one.text())) {
      warnings.add(one.fullName() + " is set otherwise and not used: " + before.fullName() + " is");
    }
  }

  private void oldNames() {
    if (found.keySet().removeIf(name -> name.startsWith("AUDIT_"))) {
      warnings.add("RS_AUDIT_* is deprecated and not used: RS_SYSTEM_EVENTS_* took its place");
    }
  }

  // -------------------------------------------------------------------------------- values

  /** The value, or the default; empty when there is neither. */
  <T> Optional<T> find(Setting<T> setting) {
    asked.add(setting.name());
    Found one = found.get(setting.name());
    Optional<T> usual = setting.defaultValue();
    if (one == null) {
      if (!setting.isOfResource() || usual.isPresent()) {
        lines.add(line(setting, setting.fullName(), setting.defaultText(), Report.Status.DEFAULT));
      }
      return usual;
    }
    Optional<T> value = setting.grammar().parse(one.text());
    if (value.isPresent()) {
      lines.add(line(setting, one.fullName(), one.text(), Report.Status.SET));
      return value;
    }
    String what = said(setting, one) + setting.grammar().expected();
    if (setting.kind() == Setting.Kind.SAFETY) {
      mistakes.add(what);
    } else {
      warnings.add(
          what
              + (usual.isPresent()
                  ? "; " + setting.defaultText() + " is used"
                  : "; it is not used"));
    }
    lines.add(line(setting, one.fullName(), setting.defaultText(), Report.Status.INVALID));
    return usual;
  }

  /** The value of one that has a default. */
  <T> T value(Setting<T> setting) {
    return find(setting).orElseThrow();
  }

  /** The value of one that must be set. */
  <T> Optional<T> required(Setting<T> setting) {
    if (!isSet(setting)) {
      mistake(setting, "is required and not set");
      return Optional.empty();
    }
    return find(setting);
  }

  /** Takes note of one that has no effect. */
  void ignore(Setting<?> setting) {
    asked.add(setting.name());
    Found one = found.get(setting.name());
    lines.add(
        line(
            setting,
            one == null ? setting.fullName() : one.fullName(),
            one == null ? "" : one.text(),
            one == null ? Report.Status.DEFAULT : Report.Status.IGNORED));
  }

  /** Whether it is set, however. */
  boolean isSet(Setting<?> setting) {
    return found.containsKey(setting.name());
  }

  /** Whether it is set and not empty. */
  boolean isFilled(Setting<?> setting) {
    Found one = found.get(setting.name());
    return one != null && !one.text().isEmpty();
  }

  /** Its text, if it is set. */
  Optional<String> text(Setting<?> setting) {
    return Optional.ofNullable(found.get(setting.name())).map(Found::text);
  }

  /** The name under which it is set, or the usual one. */
  String nameOf(Setting<?> setting) {
    Found one = found.get(setting.name());
    return one == null ? setting.fullName() : one.fullName();
  }

  /** Ids of the resources whose names are given by this variable. */
  Set<String> ids(Setting<?> naming) {
    var ids = new TreeSet<String>();
    for (String name : found.keySet()) {
      int length = name.length() - naming.family().length() - naming.field().length();
      if (length > 0 && name.startsWith(naming.family()) && name.endsWith(naming.field())) {
        ids.add(name.substring(naming.family().length(), naming.family().length() + length));
      }
    }
    return ids;
  }

  /** Texts of the variables whose names begin so, by the rest of their names. */
  Map<String, String> texts(String prefix) {
    var texts = new TreeMap<String, String>();
    found.forEach((name, one) -> {
      if (name.startsWith(prefix) && name.length() > prefix.length()) {
        asked.add(name);
        texts.put(name.substring(prefix.length()), one.text());
      }
    });
    return texts;
  }

  private static Report.Line line(
      Setting<?> setting, String name, String text, Report.Status status) {
    return new Report.Line(
        name,
        setting.shown(text),
        status,
        setting.kind() == Setting.Kind.IGNORED,
        setting.effect());
  }

  private static String said(Setting<?> setting, Found one) {
    return one.fullName() + " is '" + setting.shown(one.text()) + "': ";
  }

  // -------------------------------------------------------------------------------- findings

  /** Something that stops the start. */
  void mistake(String text) {
    mistakes.add(text);
  }

  /** A value that can be read and yet stops the start. */
  void mistake(Setting<?> setting, String text) {
    Found one = found.get(setting.name());
    mistakes.add(one == null ? setting.fullName() + ": " + text : said(setting, one) + text);
  }

  /** Something to be said that does not stop the start. */
  void warn(String text) {
    warnings.add(text);
  }

  /** Says what nobody asked for: a typing error, or a part of a resource that has no name. */
  void rest() {
    for (var entry : found.entrySet()) {
      String name = entry.getKey();
      if (asked.contains(name)) {
        continue;
      }
      String fullName = entry.getValue().fullName();
      Optional<Setting<?>> part = partOfResource(name);
      if (part.isPresent()) {
        String id = idIn(part.get(), name);
        mistakes.add(
            fullName + " belongs to nothing: RS_" + part.get().family() + id + "_NAME is not set");
      } else if (!isLabelOfReplication(name)) {
        warnings.add(fullName + " is unknown; did you mean " + nearest(fullName, name) + "?");
      }
    }
  }

  private static Optional<Setting<?>> partOfResource(String name) {
    return Table.ALL.stream()
        .filter(Setting::isOfResource)
        .filter(setting -> !idIn(setting, name).isEmpty())
        .<Setting<?>>map(setting -> setting)
        .findFirst();
  }

  private static String idIn(Setting<?> setting, String name) {
    int from = setting.family().length();
    int to = name.length() - setting.field().length();
    boolean fits = from < to && name.startsWith(setting.family()) && name.endsWith(setting.field());
    return fits ? name.substring(from, to) : "";
  }

  private static boolean isLabelOfReplication(String name) {
    return name.startsWith(Table.REPLICATION_NAME.family())
        && Table.REPLICATION_LABELS.stream().anyMatch(name::contains);
  }

  private static String nearest(String fullName, String name) {
    String prefix = fullName.substring(0, fullName.length() - name.length());
    return Table.ALL.stream()
        .map(setting -> (setting.isOurs() ? "PANNIER_" : prefix) + likeIn(setting, name))
        .min(Comparator.comparingInt(known -> distance(fullName, known)))
        .orElseThrow();
  }

  /** The name of a setting, of a resource with the id that the text seems to mean. */
  private static String likeIn(Setting<?> setting, String name) {
    if (!setting.isOfResource() || !name.startsWith(setting.family())) {
      return setting.name();
    }
    String rest = name.substring(setting.family().length());
    int end = rest.indexOf('_');
    return setting.of(end <= 0 ? "<ID>" : rest.substring(0, end)).name();
  }

  /** Letters to be changed, added or left out (Levenshtein). */
  private static int distance(String from, String to) {
    var costs = new int[to.length() + 1];
    for (int j = 0; j < costs.length; j++) {
      costs[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = costs[0];
      costs[0] = i;
      for (int j = 1; j < costs.length; j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = costs[j];
        costs[j] = Math.min(replaced, 1 + Math.min(costs[j], costs[j - 1]));
      }
    }
    return costs[to.length()];
  }

  Report report() {
    return new Report(lines, warnings, mistakes);
  }

  /** Names that stand for several resources of one kind; each is told once. */
  void refuseTwice(String kind, List<String> names) {
    var count = new HashMap<String, Integer>();
    names.forEach(name -> count.merge(name, 1, Integer::sum));
    new TreeMap<>(count)
        .forEach((name, times) -> {
          if (times > 1) {
            mistakes.add(kind + " '" + name + "' is declared under " + times + " ids");
          }
        });
  }
}
