package io.pannier.server.settings;

import java.util.Optional;

/**
 * One variable.
 *
 * @param name its name without prefix; {@code <ID>} in it stands for what groups the variables of a
 *     resource
 * @param grammar how its text is read
 * @param defaultText what it is when it is not set, in its own grammar; empty: nothing
 * @param kind what happens when its text cannot be read
 * @param isSecret whether its value must never be shown
 * @param isOurs whether the reference does not have it, so that there is only one way to write it
 * @param effect one sentence; of what is ignored, the reason
 */
record Setting<T>(
    String name,
    Grammar<T> grammar,
    String defaultText,
    Kind kind,
    boolean isSecret,
    boolean isOurs,
    String effect) {
  /** What a text that cannot be read leads to. */
  enum Kind {
    /** The start stops: anything else would be weaker than what was asked for. */
    SAFETY,
    /** The default is used, and that is said. */
    TUNING,
    /** It is taken and has no effect here. */
    IGNORED
  }

  private static final String ID = "<ID>";

  static <T> Setting<T> safety(String name, Grammar<T> grammar, String defaultText, String effect) {
    return new Setting<>(name, grammar, defaultText, Kind.SAFETY, false, false, effect);
  }

  static <T> Setting<T> tuning(String name, Grammar<T> grammar, String defaultText, String effect) {
    return new Setting<>(name, grammar, defaultText, Kind.TUNING, false, false, effect);
  }

  static Setting<String> ignored(String name, String reason) {
    return new Setting<>(name, Grammars.TEXT, "", Kind.IGNORED, false, false, reason);
  }

  /** The same, never shown. */
  Setting<T> secret() {
    return new Setting<>(name, grammar, defaultText, kind, true, isOurs, effect);
  }

  /** The same, with our prefix only. */
  Setting<T> ours() {
    return new Setting<>(name, grammar, defaultText, kind, isSecret, true, effect);
  }

  /** Its name with the prefix that documents use. */
  String fullName() {
    return (isOurs ? "PANNIER_" : "RS_") + name;
  }

  /** Whether it belongs to a resource. */
  boolean isOfResource() {
    return name.contains(ID);
  }

  /** That of one resource. */
  Setting<T> of(String id) {
    return new Setting<>(
        name.replace(ID, id), grammar, defaultText, kind, isSecret, isOurs, effect);
  }

  /** What stands before the id of the resource. */
  String family() {
    return name.substring(0, name.indexOf(ID));
  }

  /** What stands behind the id of the resource. */
  String field() {
    return name.substring(name.indexOf(ID) + ID.length());
  }

  /** Its value when it is not set. */
  Optional<T> defaultValue() {
    if (defaultText.isEmpty()) {
      return Optional.empty();
    }
    Optional<T> value = grammar.parse(defaultText);
    if (value.isEmpty()) {
      throw new IllegalStateException("default of " + name + " is not in its own grammar");
    }
    return value;
  }

  /** Its value as it may be shown. */
  String shown(String text) {
    return isSecret ? "*".repeat(text.length()) : text;
  }
}
