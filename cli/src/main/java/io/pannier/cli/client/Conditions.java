package io.pannier.cli.client;

import io.pannier.client.Json;
import io.pannier.client.When;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Conditions made of {@code --when} and the options of older versions. */
final class Conditions {
  private Conditions() {}

  /** All of them as the API has it; null for none. */
  static @Nullable Object with(
      @Nullable String when, @Nullable Long eachN, @Nullable Double eachS, @Nullable String ext) {
    Object condition = AliasCommands.condition(when);
    if (eachN == null && eachS == null && ext == null) {
      return condition;
    }
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    if (condition instanceof Map<?, ?>) {
      members.putAll(Json.parseObject(Json.write(condition)));
    } else if (condition != null) {
      throw new Failure("Failed to parse when parameter: expected an object");
    }
    if (eachN != null) {
      members.put("$each_n", eachN);
    }
    if (eachS != null) {
      members.put("$each_t", eachS);
    }
    if (ext != null) {
      try {
        members.put("#ext", Json.parseObject(ext));
      } catch (IllegalArgumentException malformed) {
        throw new Failure("Failed to parse ext-params: " + malformed.getMessage());
      }
    }
    return members;
  }

  /** The same for queries. */
  static Optional<When> when(
      @Nullable String when, @Nullable Long eachN, @Nullable Double eachS, @Nullable String ext) {
    Object condition = with(when, eachN, eachS, ext);
    if (condition == null) {
      return Optional.empty();
    }
    if (!(condition instanceof Map<?, ?>)) {
      throw new Failure("Failed to parse when parameter: expected an object");
    }
    return Optional.of(When.json(Json.write(condition)));
  }
}
