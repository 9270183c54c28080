package io.pannier.store.disk;

import java.util.Set;

/**
 * One thing that goes wrong: what, at the how-manieth call, and which calls are counted on the way
 * there. Calls are counted from 1.
 *
 * @param kind what happens
 * @param at number of the call that it happens to, among the counted ones
 * @param lasting whether it happens to all counted calls from there on, until the disk is {@link
 *     FaultyDisk#heal healed}
 * @param counted the calls that are counted, and so the ones that can fail
 */
public record Fault(Kind kind, long at, boolean lasting, Set<DiskOperation> counted) {
  /** What can go wrong. */
  public enum Kind {
    /** The call throws and nothing was done. */
    FAIL,
    /** An append writes only a random part from the front, then throws. */
    TEAR,
    /** The device has no room: an append may write a part from the front. */
    DISK_FULL,
    /**
     * A sync throws, and unsynced content is lost or kept as the seed says; a later sync that
     * succeeds does not bring it back. Loses content only directly above a {@link MemoryDisk}.
     */
    SYNC_FAIL,
    /** A read returns less than there is. */
    SHORT_READ,
    /**
     * Power is lost within the call, before or after its effect, with any part of an append, as the
     * seed says. From then on every call throws {@link PowerLossException}. What the next start
     * finds is asked from {@link MemoryDisk#crash}.
     */
    POWER_LOSS;

    /** The calls that it happens to when a test asks for no others. */
    private Set<DiskOperation> usuallyCounted() {
      return switch (this) {
        case FAIL, POWER_LOSS -> DiskOperation.MUTATIONS;
        case TEAR -> DiskOperation.APPENDS;
        case DISK_FULL -> DiskOperation.GROWTH;
        case SYNC_FAIL -> DiskOperation.SYNCS;
        case SHORT_READ -> Set.of(DiskOperation.READ);
      };
    }
  }

  /**
   * Happens once, to the n-th call that it can happen to; for {@link Kind#FAIL} and {@link
   * Kind#POWER_LOSS} that is the n-th mutating one.
   */
  public static Fault at(long number, Kind kind) {
    return new Fault(kind, number, false, kind.usuallyCounted());
  }

  /** Happens to every such call from the n-th on. */
  public static Fault from(long number, Kind kind) {
    return new Fault(kind, number, true, kind.usuallyCounted());
  }

  /** The same among other calls, for example {@link DiskOperation#READS}. */
  public Fault among(Set<DiskOperation> operations) {
    return new Fault(kind, at, lasting, Set.copyOf(operations));
  }
}
