package io.pannier.replicate;

import io.pannier.model.PannierException;
import io.pannier.query.EntryPatterns;
import io.pannier.query.when.Condition;

/**
 * Settings, read once.
 *
 * @param condition what has to hold for a record to be copied
 * @param patterns which entries are copied
 */
record Plan(ReplicationSettings settings, Condition condition, EntryPatterns patterns) {
  /**
   * Reads settings.
   *
   * @throws PannierException.Invalid when the condition is malformed
   */
  static Plan of(ReplicationSettings settings) {
    try {
      Condition condition = settings.condition();
      if (condition.ext().isPresent()) {
        throw new PannierException.Invalid("Directive '#ext' is not supported here");
      }
      return new Plan(settings, condition, new EntryPatterns(settings.entries()));
    } catch (PannierException.Invalid malformed) {
      throw new PannierException.Invalid(
          "Invalid replication condition: " + malformed.getMessage());
    }
  }

  /** Its text, by which a stored state is known to belong to it. */
  String conditionText() {
    return settings.when().map(Object::toString).orElse("");
  }
}
