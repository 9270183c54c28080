package io.pannier.cli.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** What a transfer has done so far, told while it goes on, and its work side by side. */
final class Transfer implements AutoCloseable {
  private static final int TTY_MILLIS = 500;
  private static final int PLAIN_MILLIS = 10_000;
  private static final Set<Path> PARTS = partsRemovedAtTheEnd();

  private final String verb;
  private final String source;
  private final VisibleWriter err;
  private final long expected;
  private final boolean isTerminal;
  private final long beganNanos = ClientCommand.CLOCK.monotonicNanos();
  private final @Nullable Thread ticker;
  final AtomicLong records = new AtomicLong();
  final AtomicLong bytes = new AtomicLong();
  final AtomicLong skipped = new AtomicLong();
  private final Map<String, String> failures = new ConcurrentHashMap<>();

  /**
   * Begins to tell.
   *
   * @param verb in the past, with a capital: {@code Copied}
   * @param source from where, as in {@code from bucket 'b'}
   * @param expected records that are awaited; 0 when that is not known
   */
  Transfer(String verb, String source, VisibleWriter err, boolean quiet, long expected) {
    this.verb = verb;
    this.source = source;
    this.err = err;
    this.expected = expected;
    isTerminal = Terminal.console() != null;
    ticker = quiet ? null : Thread.ofVirtual().start(this::tick);
  }

  /** Files that are not whole yet go when the program is stopped. */
  private static Set<Path> partsRemovedAtTheEnd() {
    Set<Path> parts = ConcurrentHashMap.newKeySet();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              for (Path part : parts) {
                try {
                  Files.deleteIfExists(part);
                } catch (IOException stays) {
                  // Its name says that it is none.
                }
              }
            }));
    return parts;
  }

  /** The name of a file while it is written. */
  static Path part(Path file) {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    PARTS.add(part);
    return part;
  }

  /** The file is whole, or given up. */
  static void finished(Path part) {
    PARTS.remove(part);
  }

  void copied(long size) {
    records.incrementAndGet();
    bytes.addAndGet(size);
  }

  void failed(String what, String why) {
    failures.put(what, why);
  }

  Map<String, String> failures() {
    return failures;
  }

  /** Does something for each of many, so many at a time; what goes wrong with one is noted. */
  void forEach(List<String> names, int parallel, Work work) {
    var room = new Semaphore(parallel);
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (String name : names) {
        room.acquireUninterruptibly();
        all.add(
            pool.submit(() -> {
              try {
                work.on(name);
              } catch (Exception failed) {
                failed(name, reason(failed));
              } finally {
                room.release();
              }
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException broken) {
      throw new IllegalStateException(broken.getCause());
    }
  }

  /** Something for one of many. */
  interface Work {
    void on(String name) throws Exception;
  }

  static String reason(Exception failed) {
    if (failed instanceof io.pannier.client.ClientException refused) {
      return "[" + Exit.name(refused.code()) + "] " + refused.getMessage();
    }
    return ClientCommand.text(failed);
  }

  private void tick() {
    try {
      while (true) {
        Thread.sleep(isTerminal ? TTY_MILLIS : PLAIN_MILLIS);
        if (isTerminal) {
          err.control("\r" + VisibleWriter.visible(progress()) + "\u001b[K");
        } else {
          err.println(progress());
        }
        err.flush();
      }
    } catch (InterruptedException done) {
      if (isTerminal) {
        err.control("\r\u001b[K");
        err.flush();
      }
    }
  }

  private String progress() {
    long seconds = Math.max(1, (ClientCommand.CLOCK.monotonicNanos() - beganNanos) / 1_000_000_000);
    long done = records.get() + skipped.get();
    String part = "";
    if (expected > 0 && done > 0) {
      long percent = Math.min(100, done * 100 / expected);
      long left = Math.max(0, expected - done) * seconds / done;
      part = ", ETA " + clock(left) + "] " + percent + "% ";
    } else {
      part = "] ";
    }
    return "["
        + clock(seconds)
        + part
        + summary()
        + " ("
        + Sizes.text(bytes.get() / seconds)
        + "/s)";
  }

  private static String clock(long seconds) {
    return String.format(
        java.util.Locale.ROOT, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  /** One line about all of it. */
  String summary() {
    return verb
        + " "
        + records.get()
        + (skipped.get() > 0 ? " (skipped " + skipped.get() + ")" : "")
        + " records ("
        + Sizes.text(bytes.get())
        + ") "
        + source;
  }

  /** The same for programs. */
  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("records", records.get());
    json.put("skipped", skipped.get());
    json.put("bytes", bytes.get());
    json.put("errors", failures);
    return json;
  }

  @Override
  public void close() {
    stop();
  }

  /** Tells nothing more. */
  void stop() {
    if (ticker != null) {
      ticker.interrupt();
      try {
        ticker.join();
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
