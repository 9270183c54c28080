package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.pannier.store.RingDistance;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What becomes of a backlog, in numbers that can be worked out by hand. */
class ForecastTest {
  private static final double HOUR = 3600;

  private static Forecast of(
      double in, double out, double ring, long pending, RingDistance oldest) {
    return Forecast.of(
        new Meter.Rates(1, in, 1, out, ring), true, pending, Optional.ofNullable(oldest), HOUR);
  }

  @Test
  void aFastLinkCatchesUp() {
    Forecast forecast = of(100, 300, 100, 10_000, null);
    assertThat(forecast.catchUpSeconds()).hasValueCloseTo(50.0, offset(1e-6));
    assertThat(forecast.evictionSeconds()).isEmpty();
    assertThat(forecast.lossSeconds()).isEmpty();
  }

  @Test
  void aSlowLinkNeverCatchesUpAndLosesWhenTheRingOvertakesIt() {
    // Everything in the ring is pending: it is taken at 100 a second, of which 40 leave in time.
    Forecast forecast = of(100, 40, 100, 60_000, new RingDistance(6_000, 0, 60_000));
    assertThat(forecast.catchUpSeconds()).isEmpty();
    assertThat(forecast.evictionSeconds()).hasValueCloseTo(60.0, offset(1e-6));
    // 100 (t - 60) = 40 t
    assertThat(forecast.lossSeconds()).hasValueCloseTo(100.0, offset(1e-6));
    assertThat(forecast.lossBytes()).isEqualTo(100 * (3600 - 60) - 40 * 3600);
  }

  @Test
  void withoutALinkTheOldestGoesWhenTheRingIsFull() {
    Forecast forecast =
        Forecast.of(
            new Meter.Rates(1, 50, 0, 900, 100),
            false,
            5_000,
            Optional.of(new RingDistance(0, 1_000, 10_000)),
            HOUR);
    assertThat(forecast.bytesOut()).isZero();
    assertThat(forecast.lossSeconds()).hasValueCloseTo(10.0, offset(1e-6));
    // Half of the ring behind that place is pending.
    assertThat(forecast.lossBytes()).isEqualTo((long) (50 * (3600 - 10)));
  }

  @Test
  void nothingPendingIsNothingToLose() {
    Forecast forecast = of(0, 0, 100, 0, null);
    assertThat(forecast.catchUpSeconds()).hasValueCloseTo(0.0, offset(1e-6));
    assertThat(forecast.lossSeconds()).isEmpty();
    assertThat(forecast.lossBytes()).isZero();
  }

  @Test
  void aRingThatDoesNotFillTakesNothing() {
    Forecast forecast = of(0, 0, 0, 5_000, new RingDistance(0, 0, 5_000));
    assertThat(forecast.evictionSeconds()).isEmpty();
    assertThat(forecast.lossSeconds()).isEmpty();
  }

  @Test
  void ratesAreAveragesFromTheFirstSecondOn() {
    var meter = new Meter();
    for (int i = 0; i <= 10; i++) {
      meter.sample(i * 1_000_000_000L, new Meter.Counts(i, i * 100L, 0, 0, i * 250L));
    }
    assertThat(meter.rates().bytesIn()).isCloseTo(100, offset(1e-6));
    assertThat(meter.rates().ringBytes()).isCloseTo(250, offset(1e-6));
    for (int i = 11; i <= 400; i++) {
      meter.sample(i * 1_000_000_000L, new Meter.Counts(10, 1000, 0, 0, 2500));
    }
    assertThat(meter.rates().bytesIn()).isLessThan(1);
  }
}
