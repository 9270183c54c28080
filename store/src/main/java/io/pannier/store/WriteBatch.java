package io.pannier.store;

import io.pannier.model.PannierException;
import java.util.Arrays;
import java.util.BitSet;
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

  /** The closed blocks in which records from {@link #next} on were looked for. */
  private @Nullable BlockMap checkedAgainst;

  /** The first record that was not looked for. */
  private int checkedTo;

  /** Records whose time is taken there. */
  private final BitSet taken = new BitSet();

  /** The block that an attempt could not go on with: full, or without its index. */
  @Nullable Block stuckAt;

  /** Whether the record at {@link #next} needs a block for belated records. */
  boolean belated;

  /** Whether room on the device was taken for all of them. */
  boolean hasRoom;

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
  }

  /** From now on {@link #checked} says of one record after the other what was found. */
  void beginCheck(BlockMap map) {
    checkedAgainst = map;
    checkedTo = next;
    taken.clear();
  }

  void checked(boolean isTaken) {
    taken.set(checkedTo++, isTaken);
  }

  /** Whether it is known if these closed blocks have the time of the next record. */
  boolean isChecked(BlockMap map) {
    return checkedAgainst == map && next < checkedTo;
  }

  /** Whether they have it. */
  boolean isTaken() {
    return taken.get(next);
  }

  long frameBytes() {
    return Arrays.stream(drafts, next, drafts.length).mapToLong(draft -> draft.frameLength).sum();
  }
}
