package io.pannier.server.access;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Clock;
import java.net.InetAddress;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientWindowsTest {
  private long nanos = 5;

  private final Clock clock =
      new Clock() {
        @Override
        public long wallMicros() {
          return 0;
        }

        @Override
        public long monotonicNanos() {
          return nanos;
        }
      };

  private static Optional<InetAddress> client(int number) {
    return AddressRange.address("10.0." + number / 256 + "." + number % 256);
  }

  @Test
  void memoryIsBoundedAndLatecomersShareOneCount() {
    var windows = new ClientWindows(clock, 10, 100);
    for (int i = 0; i < 100; i++) {
      assertThat(windows.add(client(i), 3, 4)).isEmpty();
    }
    assertThat(windows.add(client(100), 3, 4)).isEmpty();
    assertThat(windows.add(client(101), 3, 4))
        .hasValueSatisfying(excess -> {
          assertThat(excess.isShared()).isTrue();
          assertThat(excess.used()).isEqualTo(6);
        });
    assertThat(windows.isAt(client(102), 3)).isTrue();
    assertThat(windows.add(client(7), 1, 4)).as("known before").isEmpty();
    nanos += 10_000_000_000L;
    assertThat(windows.add(client(101), 3, 4)).as("there is room again").isEmpty();
    assertThat(windows.add(client(102), 4, 4)).isEmpty();
  }

  @Test
  void theTimeToWaitIsThatOfTheWindow() {
    var windows = new ClientWindows(clock, 60, 10);
    assertThat(windows.add(client(1), 5, 5)).isEmpty();
    nanos += 1_200_000_000L;
    assertThat(windows.add(client(1), 1, 5).orElseThrow().retrySeconds()).isEqualTo(59);
    nanos += 58_799_999_999L;
    assertThat(windows.add(client(1), 1, 5).orElseThrow().retrySeconds()).isEqualTo(1);
    nanos += 1;
    assertThat(windows.add(client(1), 1, 5)).isEmpty();
  }

  @Test
  void aSumBeyondAllNumbersIsTooMuch() {
    var windows = new ClientWindows(clock, Long.MAX_VALUE, 10);
    assertThat(windows.add(client(1), Long.MAX_VALUE, Long.MAX_VALUE)).isEmpty();
    assertThat(windows.add(client(1), 1, Long.MAX_VALUE)).isPresent();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B (0)",
    "16, 16 B (16)",
    "2100, 2.1 KiB (2100)",
    "2000, 2.0 KiB (2000)",
    "10000000, 9.5 MiB (10000000)",
    "9223372036854775807, 8.0 EiB (9223372036854775807)"
  })
  void bytesAreToldAsTheReferenceTellsThem(long bytes, String text) {
    assertThat(RateLimiter.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "::1, ::1",
    "::, ::",
    "1::, 1::",
    "2001:DB8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
    "fe80:0:0:0:0:0:a:b, fe80::a:b",
    "10.0.0.1, 10.0.0.1",
    "::ffff:10.0.0.1, 10.0.0.1"
  })
  void addressesAreWrittenShort(String text, String shortest) {
    assertThat(ClientAddress.text(AddressRange.address(text).orElseThrow())).isEqualTo(shortest);
  }
}
