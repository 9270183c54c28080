package io.pannier.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pannier.model.SystemClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The bad link of the demonstration, with an echo behind it. */
@Timeout(60)
class LinkTest {
  private ServerSocket echo;
  private Link link;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual()
        .start(() -> {
          while (true) {
            try {
              Socket socket = echo.accept();
              Thread.ofVirtual().start(() -> answer(socket));
            } catch (IOException closed) {
              return;
            }
          }
        });
    link = Link.start(echo.getLocalPort(), 1_000_000_000, new SystemClock(), new Random(7));
  }

  private static void answer(Socket socket) {
    try (socket) {
      socket.getInputStream().transferTo(socket.getOutputStream());
    } catch (IOException broken) {
      // As links do.
    }
  }

  @AfterEach
  void stop() throws IOException {
    link.close();
    echo.close();
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), link.port());
  }

  private static void passes(Socket socket, int bytes) throws IOException {
    byte[] sent = new byte[bytes];
    new Random(bytes).nextBytes(sent);
    Thread.ofVirtual()
        .start(() -> {
          try {
            socket.getOutputStream().write(sent);
          } catch (IOException broken) {
            // The reader sees it as well.
          }
        });
    assertThat(socket.getInputStream().readNBytes(bytes)).isEqualTo(sent);
  }

  @Test
  void whatGoesInComesOut() throws Exception {
    try (Socket socket = connect()) {
      passes(socket, 300_000);
      passes(socket, 1);
    }
    assertThat(link.passed()).isEqualTo(300_001);
    assertThat(link.broken()).isZero();
  }

  @Test
  void aCutEndsWhatIsThereAndWhatComes() throws Exception {
    try (Socket before = connect()) {
      passes(before, 10);
      link.cut();
      assertEnds(before);
      try (Socket after = connect()) {
        assertEnds(after);
      }
      link.restore(0);
      try (Socket again = connect()) {
        passes(again, 10);
      }
    }
  }

  private static void assertEnds(Socket socket) {
    try {
      assertThat(socket.getInputStream().read()).isNegative();
    } catch (IOException reset) {
      assertThat(reset).hasMessageContaining("reset");
    }
  }

  @Test
  void afterARestoreConnectionsBreakInTheMiddle() throws Exception {
    link.cut();
    link.restore(1);
    try (Socket socket = connect()) {
      // More than any of them lasts.
      assertThatThrownBy(() -> passes(socket, 1_000_000))
          .isInstanceOfAny(IOException.class, AssertionError.class);
    }
    assertThat(link.broken()).isEqualTo(1);
    assertThat(link.passed()).isBetween(10_000L, 110_000L);
    try (Socket socket = connect()) {
      passes(socket, 1_000_000);
    }
  }
}
