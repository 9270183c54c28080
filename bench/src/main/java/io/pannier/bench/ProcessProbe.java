package io.pannier.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Looks at a process from outside: CPU time and memory. Linux only.
 *
 * <p>CPU time comes from the kernel's CPU clock of the process (clock_gettime): nanoseconds, all
 * threads, also those that have ended. Where that clock cannot be read, /proc/PID/stat serves, in
 * steps of 10 ms. Work that the kernel does for a socket in a soft interrupt is charged to whoever
 * runs at that moment: over loopback, to the sender.
 */
final class ProcessProbe {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** USER_HZ, which is 100 on every architecture that matters (getconf CLK_TCK). */
  private static final long NANOS_PER_TICK = 10_000_000L;

  private static final int CPUCLOCK_SCHED = 2;
  private static final int CLOCK_THREAD_CPUTIME_ID = 3;

  private static final Optional<MethodHandle> CLOCK_GETTIME = clockGettime();

  private final long pid;
  private final boolean tree;

  private ProcessProbe(long pid, boolean tree) {
    this.pid = pid;
    this.tree = tree;
  }

  /** The process with this id; it must run. */
  static ProcessProbe of(long pid) throws IOException {
    var probe = new ProcessProbe(pid, false);
    probe.cpuNanos();
    return probe;
  }

  /** The process with this id and all that it started, also those that have ended meanwhile. */
  static ProcessProbe ofTree(long pid) throws IOException {
    var probe = new ProcessProbe(pid, true);
    probe.cpuNanos();
    return probe;
  }

  /** This process. */
  static ProcessProbe ofSelf() throws IOException {
    return of(ProcessHandle.current().pid());
  }

  /** CPU time of all threads since the process began, user and system, in ns. */
  long cpuNanos() throws IOException {
    long nanos = cpuNanos(pid);
    if (tree) {
      nanos += ticks(pid, 16) * NANOS_PER_TICK;
      for (long member : members()) {
        nanos += cpuNanosOrNone(member);
      }
    }
    return nanos;
  }

  private static long cpuNanos(long pid) throws IOException {
    long nanos = readClock((~(int) pid << 3) | CPUCLOCK_SCHED);
    return nanos >= 0 ? nanos : ticks(pid, 14) * NANOS_PER_TICK;
  }

  /** 0 for a process that has just ended: its parent has its time. */
  private static long cpuNanosOrNone(long pid) {
    try {
      return cpuNanos(pid);
    } catch (IOException _) {
      return 0;
    }
  }

  private long[] members() {
    return ProcessHandle.of(pid).stream()
        .flatMap(ProcessHandle::descendants)
        .mapToLong(ProcessHandle::pid)
        .toArray();
  }

  /** CPU time of the calling thread, user and system, in ns; -1 if unknown. */
  static long threadCpuNanos() {
    return readClock(CLOCK_THREAD_CPUTIME_ID);
  }

  /**
   * Memory in use now, in bytes; 0 if unknown. Of several processes: each page is shared out among
   * those that use it.
   */
  long rssBytes() throws IOException {
    if (!tree) {
      return field("status", "VmRSS", pid);
    }
    long sum = field("smaps_rollup", "Pss", pid);
    for (long member : members()) {
      try {
        sum += field("smaps_rollup", "Pss", member);
      } catch (IOException _) {
        // It has ended.
      }
    }
    return sum;
  }

  /** The most memory that was ever in use, in bytes; 0 if unknown, as of several processes. */
  long peakRssBytes() throws IOException {
    return tree ? 0 : field("status", "VmHWM", pid);
  }

  private static long field(String file, String field, long pid) throws IOException {
    Matcher matcher =
        Pattern.compile("(?m)^" + field + ":\\s+(\\d+) kB$")
            .matcher(Files.readString(Path.of("/proc", Long.toString(pid), file)));
    return matcher.find() ? Long.parseLong(matcher.group(1)) * 1024 : 0;
  }

  /** Field number {@code first} of the process's stat file and the one behind it, added. */
  private static long ticks(long pid, int first) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    // The name may hold blanks and parentheses; what follows it starts with the third field.
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Long.parseLong(fields[first - 3]) + Long.parseLong(fields[first - 2]);
  }

  private static long readClock(int clock) {
    if (CLOCK_GETTIME.isEmpty()) {
      return -1;
    }
    try (var arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      int result = (int) CLOCK_GETTIME.get().invokeExact(clock, time);
      return result == 0 ? time.get(JAVA_LONG, 0) * NANOS_PER_SECOND + time.get(JAVA_LONG, 8) : -1;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted")
  private static Optional<MethodHandle> clockGettime() {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("clock_gettime")
        .map(address ->
            linker.downcallHandle(address, FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS)));
  }
}
