package io.pannier.replicate;

import io.pannier.model.Labels;
import java.util.Locale;

/** What a destination is told of the labels of a record that it has. */
final class ToldLabels {
  private ToldLabels() {}

  /** All labels of now, and the removed ones with empty values. */
  static Labels of(Track.Item item) {
    var told = new Labels.Builder();
    for (String name : item.removed()) {
      told.set(name, "");
    }
    Labels now = item.record().labels();
    for (int i = 0; i < now.size(); i++) {
      // An empty value would remove the label there. It came with the record, which is there.
      if (now.value(i).isEmpty()) {
        told.remove(now.name(i));
      } else {
        told.set(now.name(i), now.value(i));
      }
    }
    return told.build();
  }

  /** Whether a destination has all of these; it shows names in lower case. */
  static boolean areThere(Labels there, Labels here) {
    for (int i = 0; i < here.size(); i++) {
      String value = there.get(here.name(i).toLowerCase(Locale.ROOT));
      if (value == null || !value.equals(here.value(i))) {
        return false;
      }
    }
    return true;
  }
}
