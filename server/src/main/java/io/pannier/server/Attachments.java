package io.pannier.server;

import io.pannier.model.Labels;
import io.pannier.model.Names;
import io.pannier.model.PannierException;

/**
 * Rules for entries that hold attachments (http-api.md §15) where a request can break them before
 * its body is read.
 */
final class Attachments {
  private Attachments() {}

  /** A written attachment has a key, and is not a removal. */
  static void checkWrite(String entry, Labels labels) {
    if (!Names.isMeta(entry)) {
      return;
    }
    if (labels.get("key") == null) {
      throw new PannierException.Invalid(
          "System entry '" + entry + "' records must contain label 'key'");
    }
    if ("true".equals(labels.get("remove"))) {
      throw new PannierException.Invalid(
          "System entry '"
              + entry
              + "' does not support writing records with label 'remove=true'; use record update");
    }
  }

  /** Attachments are removed by a label. */
  static void checkRemoveRecords(String entry) {
    if (Names.isMeta(entry)) {
      throw new PannierException.Invalid(
          "Can't delete records from system entry '"
              + entry
              + "'; use label update with remove=true");
    }
  }

  /** Attachments go with their entry. */
  static void checkRemoveEntry(String entry) {
    if (Names.isMeta(entry)) {
      throw new PannierException.Invalid(
          "Can't delete system entry '" + entry + "'; remove the parent entry instead");
    }
  }

  /** Attachments follow their entry, and nothing becomes attachments by its name. */
  static void checkRename(String entry, String newName) {
    if (Names.isMeta(entry)) {
      throw new PannierException.Invalid(
          "Can't rename system entry '" + entry + "'; rename the parent entry instead");
    }
    if (Names.isMeta(newName)) {
      throw new PannierException.Invalid(
          "Can't rename entry '" + entry + "' to system entry '" + newName + "'");
    }
  }
}
