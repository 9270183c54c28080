package io.pannier.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LatencyHistogramTest {
  private final LatencyHistogram histogram = new LatencyHistogram();

  @Test
  void withoutValuesAllIsZero() {
    assertThat(histogram.quantileNanos(0.5)).isZero();
    assertThat(histogram.maxNanos()).isZero();
    assertThat(histogram.meanNanos()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      longs = {0, 1, 127, 128, 129, 255, 256, 257, 1_000, 65_535, 1_000_000_007, Long.MAX_VALUE})
  void aValueIsFoundWithLessThanOnePercentError(long value) {
    histogram.record(value);
    histogram.record(Long.MAX_VALUE);
    long found = histogram.quantileNanos(0.5);
    assertThat(found).isGreaterThanOrEqualTo(value);
    assertThat(found - value).isLessThanOrEqualTo(value / 100);
  }

  @Test
  void quantilesFollowTheRanks() {
    for (int i = 1; i <= 1000; i++) {
      histogram.record(i * 1000L);
    }
    assertThat(histogram.count()).isEqualTo(1000);
    assertThat(histogram.meanNanos()).isEqualTo(500_500);
    assertThat((double) histogram.quantileNanos(0.5)).isBetween(500_000.0, 504_000.0);
    assertThat((double) histogram.quantileNanos(0.99)).isBetween(990_000.0, 998_000.0);
    assertThat(histogram.quantileNanos(1)).isEqualTo(1_000_000);
    assertThat(histogram.maxNanos()).isEqualTo(1_000_000);
  }

  @Test
  void clearForgets() {
    histogram.record(5);
    histogram.clear();
    assertThat(histogram.count()).isZero();
    assertThat(histogram.quantileNanos(1)).isZero();
  }

  @Test
  void negativeCountsAsZero() {
    histogram.record(-3);
    assertThat(histogram.quantileNanos(1)).isZero();
  }
}
