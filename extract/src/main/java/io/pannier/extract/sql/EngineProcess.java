package io.pannier.extract.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.query.ext.Work;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The server's end of an engine. While a statement runs its process is looked at every {@value
 * #LOOK_MILLIS} ms, and killed when it has taken more memory or CPU time than it may, or nobody
 * wants the result any more. For one thread at a time.
 */
final class EngineProcess {
  /** Bounds of the memory of an engine, in bytes. */
  static final long MEMORY_MIN = 128L << 20;

  static final long MEMORY_MAX = 2L << 30;

  /** What the process takes without any table, in bytes: the JVM, the code of DuckDB. */
  private static final long BASE = 160L << 20;

  private static final int LOOK_MILLIS = 20;
  private static final int END_MILLIS = 2000;
  private static final int WORDS_MAX = 2000;

  private final Process process;
  private final Path folder;
  private final long memory;
  private final DataOutputStream out;
  private final DataInputStream in;
  private @Nullable String words;

  /** Number of the request in work; 0 between two. Guarded by this. */
  private long inWork;

  private long requests;

  /** Why the process was ended, if it was. Guarded by this. */
  private @Nullable String stopped;

  private EngineProcess(Process process, Path folder, long memory) {
    this.process = process;
    this.folder = folder;
    this.memory = memory;
    out = new DataOutputStream(new BufferedOutputStream(process.getOutputStream(), 1 << 16));
    in = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
  }

  static int contentMax(long memory) {
    return (int) (memory / 8);
  }

  /**
   * Starts one. It inherits nothing of the environment: there are secrets in it.
   *
   * @param memory most memory beside what any process takes, in bytes; half is for tables
   */
  static EngineProcess start(long memory) throws IOException {
    Path folder = Files.createTempDirectory("pannier-sql-");
    try {
      var builder = new ProcessBuilder(command(folder, memory));
      builder.directory(folder.toFile());
      builder.environment().clear();
      builder.environment().put("HOME", folder.toString());
      builder.environment().put("MALLOC_ARENA_MAX", "2");
      builder.environment().put("LC_ALL", "C.UTF-8");
      builder.redirectError(words(folder).toFile());
      return new EngineProcess(builder.start(), folder, memory);
    } catch (IOException e) {
      remove(folder);
      throw e;
    }
  }

  private static List<String> command(Path folder, long memory) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + memory / 2 / (1 << 20) + "m");
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:ReservedCodeCacheSize=32m",
            "-XX:-UsePerfData",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
            "-Djava.io.tmpdir=" + folder,
            "--enable-native-access=ALL-UNNAMED"));
    String classes = System.getProperty("java.class.path", "");
    if (classes.isEmpty()) {
      throw new IOException("the class path of this program is not known");
    }
    command.addAll(
        List.of(
            "-cp",
            absolute(classes),
            EngineMain.class.getName(),
            folder.toString(),
            Long.toString(memory / 2),
            Integer.toString(contentMax(memory))));
    return command;
  }

  /** The process has a working folder of its own. */
  private static String absolute(String classPath) {
    var places = new ArrayList<String>();
    for (String place : classPath.split(java.io.File.pathSeparator, -1)) {
      places.add(Path.of(place).toAbsolutePath().toString());
    }
    return String.join(java.io.File.pathSeparator, places);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws IOException when the process is gone; {@link #stoppedBecause} says whether it was ended
   */
  Reply ask(ObjectNode head, byte[] content, Work work) throws IOException {
    long cpuLeft = work.cpuNanosLeft();
    long request = begin();
    Duration cpuBefore = cpu();
    Thread watch =
        Thread.ofVirtual().name("sql-watch").start(() -> watch(request, cpuBefore, cpuLeft));
    try (Work.Hook _ =
        work.onStop(() -> stop(request, "the query was given up or took too long"))) {
      Frames.writeHead(out, head, content.length);
      out.write(content);
      out.flush();
      int length = in.readInt();
      ObjectNode answer = Frames.readHead(in, length);
      return new Reply(answer, Frames.readContent(in, Integer.MAX_VALUE - 16));
    } catch (EOFException e) {
      throw new IOException("the engine ended", e);
    } finally {
      over();
      watch.interrupt();
    }
  }

  /** Why it was ended, if it was. */
  Optional<String> stoppedBecause() {
    synchronized (this) {
      return Optional.ofNullable(stopped);
    }
  }

  /** The last that it wrote to its errors; known when it has ended. */
  String lastWords() {
    return words == null ? "" : words;
  }

  /** Ends it, and removes what it left behind. */
  void end() {
    process.destroyForcibly();
    try {
      process.waitFor(END_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      byte[] all = Files.readAllBytes(words(folder));
      String text = new String(all, 0, Math.min(all.length, WORDS_MAX), StandardCharsets.UTF_8);
      words =
          text.replaceAll("\\s+", " ").strip()
              + " (exit code "
              + (process.isAlive() ? "none" : process.exitValue())
              + ")";
    } catch (IOException e) {
      words = "";
    }
    remove(folder);
  }

  private synchronized long begin() {
    inWork = ++requests;
    return inWork;
  }

  private synchronized void over() {
    inWork = 0;
  }

  private synchronized boolean isInWork(long request) {
    return inWork == request;
  }

  /** Ends the process if it is still at work on that request, not on a later one. */
  private synchronized void stop(long request, String reason) {
    if (inWork == request && stopped == null) {
      stopped = reason;
      process.destroyForcibly();
    }
  }

  private void watch(long request, Duration cpuBefore, long cpuLeft) {
    try {
      while (isInWork(request)) {
        Thread.sleep(LOOK_MILLIS);
        if (!isInWork(request)) {
          return;
        }
        if (cpu().minus(cpuBefore).compareTo(Duration.ofNanos(Math.max(0, cpuLeft))) > 0) {
          stop(request, "the statement takes more CPU time than a record may");
        }
        if (residentBytes() > BASE + memory) {
          stop(
              request,
              "the statement takes more than the " + (memory >> 20) + " MB of memory that it may");
        }
      }
    } catch (InterruptedException e) {
      // The answer is there.
    }
  }

  private Duration cpu() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** Memory of the process in bytes, or 0 where that cannot be seen. */
  private long residentBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      return 0;
    } catch (IOException e) {
      return 0;
    }
  }

  private static Path words(Path folder) {
    return folder.resolve("errors.log");
  }

  /** Removes a folder of an engine and what is in it; it may be gone already. */
  static void remove(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      // The system cleans its folder of temporary files.
    }
  }
}
