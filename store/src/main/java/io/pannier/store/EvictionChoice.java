package io.pannier.store;

import io.pannier.model.Timestamp;
import org.jspecify.annotations.Nullable;

/**
 * Which block of a ring goes next: one without live records, else the oldest that nobody works on.
 * But the newest records do not go for the sake of older ones that are only just being sealed. One
 * thread.
 */
final class EvictionChoice {
  private @Nullable Block oldest;
  private @Nullable Block sealing;
  private int withRecords;

  /** Takes a block into account; under the lock of its entry. */
  void offer(Block block) {
    if (block.gone || block.frozen || block.bytes <= FileHeader.BYTES) {
      return;
    }
    if (block.owner == BlockOwner.Work.SEALING) {
      if (block.live > 0 && (sealing == null || isBefore(block, sealing))) {
        sealing = block;
      }
    } else if (block.owner == null) {
      withRecords += block.live > 0 ? 1 : 0;
      if (oldest == null || isBefore(block, oldest)) {
        oldest = block;
      }
    }
  }

  /** The block to go; null when there is none, or it is worth waiting for another. */
  @Nullable Block chosen() {
    Block candidate = oldest;
    Block soon = sealing;
    if (candidate == null || candidate.live == 0 || soon == null) {
      return candidate;
    }
    return withRecords == 1 && isBefore(soon, candidate) ? null : candidate;
  }

  private static boolean isBefore(Block a, Block b) {
    boolean isDead = a.live == 0 && a.records > 0;
    if (isDead != (b.live == 0 && b.records > 0)) {
      return isDead;
    }
    int order = Timestamp.compare(a.fifoKey(), b.fifoKey());
    return order != 0 ? order < 0 : a.entry.name().compareTo(b.entry.name()) < 0;
  }
}
