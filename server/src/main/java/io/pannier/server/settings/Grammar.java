package io.pannier.server.settings;

import java.util.Optional;
import java.util.function.Function;

/**
 * How the text of a variable becomes a value.
 *
 * @param name what the table of {@code docs/settings.md} calls it
 * @param expected what a text must be, for whoever wrote another one
 * @param parser the value; empty when the text is none; must not throw
 */
record Grammar<T>(String name, String expected, Function<String, Optional<T>> parser) {
  Optional<T> parse(String text) {
    return parser.apply(text);
  }

  /** The same with only some of its values. */
  Grammar<T> only(String nowExpected, java.util.function.Predicate<T> holds) {
    return new Grammar<>(name, nowExpected, text -> parse(text).filter(holds));
  }

  /** The same, its values turned into others. */
  <U> Grammar<U> map(Function<T, U> turn) {
    return new Grammar<>(name, expected, text -> parse(text).map(turn));
  }
}
