package io.pannier.server;

import io.pannier.model.PannierException;
import java.util.List;

/**
 * The records of a batch request, in the order in which their bodies follow each other.
 *
 * @param entries names of the entries; a name may stand there more than once
 * @param start what times in headers of the answer are relative to; 0 in protocol v1
 * @param items ordered by (index of the entry, time)
 */
record BatchRequest(List<String> entries, long start, List<BatchItem> items) {
  enum Purpose {
    WRITE,
    UPDATE,
    REMOVE
  }

  /** Bytes of all bodies together. */
  long length() {
    long sum = 0;
    for (BatchItem item : items) {
      sum += item.length();
      if (sum < 0) {
        throw lengthMismatch();
      }
    }
    return sum;
  }

  static PannierException.Invalid lengthMismatch() {
    return new PannierException.Invalid(
        "content-length header does not match the sum of the content-lengths in the headers");
  }
}
