package io.pannier.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Clock;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What passes in a second, by a clock that goes on only when somebody waits. */
class ThrottleTest {
  /** Time passes by waiting. */
  private static final class Waited implements Clock {
    long nanos;
    long waits;

    @Override
    public long wallMicros() {
      return nanos / 1000;
    }

    @Override
    public long monotonicNanos() {
      return nanos;
    }

    void await(long time) {
      nanos += time;
      waits++;
    }
  }

  private final Waited clock = new Waited();
  private final Throttle throttle = new Throttle(clock, (changed, nanos) -> clock.await(nanos));

  private double seconds() {
    return clock.nanos / 1e9;
  }

  @Test
  void withoutALimitNobodyWaits() {
    throttle.take(1 << 30);
    assertThat(clock.waits).isZero();
    assertThat(throttle.piece(64 * 1024)).isEqualTo(64 * 1024);
  }

  @Test
  void theRateIsKeptExactly() {
    throttle.limit(10_000);
    for (int sent = 0; sent < 100_000; ) {
      int piece = throttle.piece(64 * 1024);
      assertThat(piece).isEqualTo(1250);
      throttle.take(piece);
      sent += piece;
    }
    assertThat(seconds()).isBetween(9.99, 10.01);
  }

  @Test
  void aPauseSavesUpNoMoreThanAnEighthOfASecond() {
    throttle.limit(8_000);
    clock.nanos += 3_600_000_000_000L;
    long before = clock.nanos;
    throttle.take(1_000);
    assertThat(clock.nanos).isEqualTo(before);
    throttle.take(8_000);
    assertThat((clock.nanos - before) / 1e9).isBetween(0.99, 1.01);
  }

  @Test
  void aChangeHoldsForThoseWhoWait() {
    var changing = new Throttle[1];
    var slow =
        new Throttle(
            clock,
            (changed, nanos) -> {
              clock.await(nanos);
              if (clock.waits == 4) {
                changing[0].limit(0);
              }
            });
    changing[0] = slow;
    slow.limit(1024);
    slow.take(10_000_000);
    assertThat(clock.waits).isEqualTo(4);
    assertThat(seconds()).isLessThanOrEqualTo(1.01);
  }

  @Test
  void headsAndBodiesAreSentAtThatRate() throws IOException {
    try (var server =
        ScriptedServer.of(link -> {
          link.head();
          link.body(500_000);
          link.answer(200);
        })) {
      throttle.limit(100_000);
      var options =
          ClientOptions.of(
                  URI.create("http://localhost:" + server.port()),
                  Optional.empty(),
                  Tls.usual(),
                  new io.pannier.model.SystemClock())
              .withThrottle(throttle);
      try (var store = new RemoteStore(options)) {
        store.write(
            "b",
            "e",
            List.of(
                new Outgoing(1, "text/plain", io.pannier.model.Labels.EMPTY, new Zeros(500_000))),
            Coding.NONE);
      }
    }
    assertThat(seconds()).isBetween(4.9, 5.1);
  }

  private record Zeros(long length) implements Body {
    @Override
    public void writeTo(OutputStream out) throws IOException {
      out.write(new byte[(int) length]);
    }
  }
}
