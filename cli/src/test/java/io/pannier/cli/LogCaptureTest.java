package io.pannier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Lines of the log on their way to the server. */
class LogCaptureTest {
  private static final Logger LOG = LoggerFactory.getLogger(LogCaptureTest.class);

  @Test
  void linesFromALevelOnAreShownWithTheirPlace() {
    List<String> seen = new ArrayList<>();
    try (var capture =
        LogCapture.start(
            line -> {
              assertThat(line.timestamp()).isPositive();
              assertThat(line.line()).isPositive();
              seen.add(
                  line.level()
                      + " "
                      + line.target()
                      + " "
                      + line.file()
                      + " "
                      + line.message()
                      + " "
                      + line.fields());
            },
            Level.WARN)) {
      assertThat(capture.isStarted()).isTrue();
      LOG.info("not shown");
      LOG.warn("shown {}", 1);
      LOG.atError().addKeyValue("request_id", "r-1").log("shown {}", 2);
    }
    LOG.error("too late");
    assertThat(seen)
        .containsExactly(
            "WARN io.pannier.cli.LogCaptureTest LogCaptureTest.java shown 1 {}",
            "ERROR io.pannier.cli.LogCaptureTest LogCaptureTest.java shown 2 {request_id=r-1}");
  }
}
