package io.pannier.replicate;

import io.pannier.store.RingDistance;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What becomes of the backlog of a task if everything goes on as it did in the last minute.
 *
 * @param recordsIn records a second that are chosen to be sent
 * @param bytesIn bytes of their bodies
 * @param recordsOut records a second that arrive
 * @param bytesOut bytes of their bodies
 * @param ringBytes bytes a second that the source bucket takes in
 * @param catchUpSeconds until nothing is pending any more; empty: never
 * @param evictionSeconds until the ring takes the oldest pending record, sent or not; empty: never
 * @param lossSeconds until the first record is lost unsent; empty: none is
 * @param lossBytes bytes that will be lost within the time for which warnings are given
 */
public record Forecast(
    double recordsIn,
    double bytesIn,
    double recordsOut,
    double bytesOut,
    double ringBytes,
    OptionalDouble catchUpSeconds,
    OptionalDouble evictionSeconds,
    OptionalDouble lossSeconds,
    long lossBytes) {
  /**
   * Works it out. Pending records are taken to lie evenly between the place of the oldest one and
   * the head of the ring: so the ring takes them as fast as it fills, times their share of it.
   *
   * @param sending whether anything leaves at all at this moment
   * @param pendingBytes bytes of bodies to be sent
   * @param oldest how far the oldest pending record is from its eviction; empty: it is not in a
   *     ring
   * @param horizonSeconds time for which the loss is estimated
   */
  static Forecast of(
      Meter.Rates rates,
      boolean sending,
      long pendingBytes,
      Optional<RingDistance> oldest,
      double horizonSeconds) {
    double out = sending ? rates.bytesOut() : 0;
    double recordsOut = sending ? rates.recordsOut() : 0;
    OptionalDouble catchUp = OptionalDouble.empty();
    if (pendingBytes == 0) {
      catchUp = OptionalDouble.of(0);
    } else if (out > rates.bytesIn()) {
      catchUp = OptionalDouble.of(pendingBytes / (out - rates.bytesIn()));
    }
    OptionalDouble eviction = OptionalDouble.empty();
    OptionalDouble loss = OptionalDouble.empty();
    long lossBytes = 0;
    if (oldest.isPresent() && pendingBytes > 0 && rates.ringBytes() > 0) {
      double first = oldest.get().bytes() / rates.ringBytes();
      eviction = OptionalDouble.of(first);
      double share =
          (double) pendingBytes
              / Math.max(pendingBytes, oldest.get().bytesBehind()); // tidy: bytes, not times
      double taken = rates.ringBytes() * share;
      if (taken > out) {
        double at = taken * first / (taken - out);
        loss = OptionalDouble.of(at);
        double within = taken * (horizonSeconds - first) - out * horizonSeconds;
        lossBytes = (long) Math.clamp(within, 0, pendingBytes + rates.bytesIn() * horizonSeconds);
      }
    }
    return new Forecast(
        rates.recordsIn(),
        rates.bytesIn(),
        recordsOut,
        out,
        rates.ringBytes(),
        catchUp,
        eviction,
        loss,
        lossBytes);
  }
}
