package io.pannier.store;

/**
 * How far a place in a ring is from being given up; an estimate, as blocks are rewritten and sealed
 * meanwhile.
 *
 * @param freeBytes that the ring can take before it gives up anything
 * @param bytesInFront of files that go before the place does
 * @param bytesBehind of the other files
 */
public record RingDistance(long freeBytes, long bytesInFront, long bytesBehind) {
  /** Bytes that the ring can take before the place is given up. */
  public long bytes() {
    return freeBytes + bytesInFront;
  }
}
