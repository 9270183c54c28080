package io.pannier.store;

import io.pannier.model.PannierException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Records on their way into one entry: how far they got, and what was refused. One thread at a
 * time.
 */
final class WriteBatch {
  final Draft[] drafts;
  final @Nullable PannierException[] errors;

  /** The first record that has neither been written nor refused. */
  int next;

  /** The closed blocks against which the record at {@link #next} was found to be new. */
  @Nullable BlockMap checkedAgainst;

  /** The block that an attempt could not go on with: full, or without its index. */
  @Nullable Block stuckAt;

  /** Whether the record at {@link #next} needs a block for belated records. */
  boolean belated;

  /** Records chosen for the append in preparation. */
  final int[] members;

  int memberCount;

  WriteBatch(List<NewRecord> records, @Nullable PannierException[] errors) {
    var crc = Scratch.get().crc;
    drafts = new Draft[records.size()];
    for (int i = 0; i < drafts.length; i++) {
      drafts[i] = new Draft(records.get(i), crc);
    }
    this.errors = errors;
    members = new int[drafts.length];
  }

  boolean isDone() {
    return next == drafts.length;
  }

  Draft current() {
    return drafts[next];
  }

  void refuse(PannierException error) {
    errors[next] = error;
    advance();
  }

  void advance() {
    next++;
    checkedAgainst = null;
  }

  long frameBytes() {
    return Arrays.stream(drafts, next, drafts.length).mapToLong(draft -> draft.frameLength).sum();
  }
}
