package io.pannier.cli;

import io.pannier.cli.client.Terminal;
import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import io.pannier.store.BackupRun;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Shows how far something has come, with rate and remaining time: one line that is written over
 * where a person looks on, a line every ten seconds elsewhere. Also what keeps to a rate.
 */
final class ProgressLine implements BackupRun.Progress, AutoCloseable {
  /** Slower than that, a piece takes so long that a server takes the reader for gone. */
  static final long RATE_MIN = 100_000;

  private static final long SCREEN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long LOG_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final PrintWriter err;
  private final String what;
  private final boolean quiet;
  private final boolean isScreen;
  private final long rate;
  private final Clock clock = new SystemClock();
  private final long began;
  private long shownAt;
  private boolean isShown;

  /**
   * @param rate most bytes a second; 0: as fast as it goes
   */
  ProgressLine(PrintWriter err, String what, boolean quiet, long rate) {
    this.err = err;
    this.what = what;
    this.quiet = quiet;
    this.rate = rate;
    isScreen = Terminal.console() != null;
    began = clock.monotonicNanos();
    shownAt = began;
  }

  @Override
  public void at(long done, long planned) {
    if (rate > 0) {
      long due = began + (long) (done * 1e9 / rate);
      while (clock.monotonicNanos() < due) {
        LockSupport.parkNanos(Math.min(due - clock.monotonicNanos(), SCREEN_NANOS));
        show(done, planned);
      }
    }
    show(done, planned);
  }

  private void show(long done, long planned) {
    long now = clock.monotonicNanos();
    if (quiet || now - shownAt < (isScreen ? SCREEN_NANOS : LOG_NANOS)) {
      return;
    }
    shownAt = now;
    double seconds = (now - began) / 1e9;
    double speed = done / seconds;
    long left = speed > 0 ? (long) ((planned - done) / speed) : 0;
    String line =
        what
            + ": "
            + (planned == 0 ? 100 : 100 * done / planned)
            + " % of "
            + Amounts.bytes(planned)
            + ", "
            + Amounts.bytes((long) speed)
            + "/s, "
            + left / 60
            + " min "
            + left % 60
            + " s left";
    if (isScreen) {
      err.print("\r" + line + "\u001b[K");
      isShown = true;
    } else {
      err.println(line);
    }
    err.flush();
  }

  @Override
  public void broken(int times) {
    close();
    err.println("The connection broke; trying again (" + times + ")");
    err.flush();
    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(times));
  }

  /** Takes the line away. */
  @Override
  public void close() {
    if (isShown) {
      err.print("\r\u001b[K");
      err.flush();
      isShown = false;
    }
  }
}
