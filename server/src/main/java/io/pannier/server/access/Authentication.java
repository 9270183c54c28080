package io.pannier.server.access;

import java.util.Optional;

/** How callers prove who they are (configuration.md §3). */
public sealed interface Authentication {
  /** They need not: everybody may do everything. Only ever when the operator asked for it. */
  record Disabled() implements Authentication {}

  /**
   * By tokens; {@code init-token} has this value and full access, again at every start, and cannot
   * be changed through the API.
   */
  record Provisioned(String value) implements Authentication {
    @Override
    public String toString() {
      return "Provisioned";
    }
  }

  /**
   * Of an instance that only reads: by the tokens of the store, and with a value by {@code
   * init-token}, which may read everything and is in memory only.
   */
  record Reading(Optional<String> value) implements Authentication {
    @Override
    public String toString() {
      return "Reading";
    }
  }

  /**
   * By tokens; {@code init-token} is made with this value and full access when the store has none,
   * or one that was provisioned. From then on it is a token like any other.
   */
  record Initial(String value) implements Authentication {
    @Override
    public String toString() {
      return "Initial";
    }
  }
}
