package io.pannier.server.metrics;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.lang.management.OperatingSystemMXBean;
import java.lang.management.RuntimeMXBean;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The process and its JVM, under the names that Prometheus' own libraries use, so that dashboards
 * for any Java process show them.
 */
final class ProcessMetrics {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmRSS:";

  private ProcessMetrics() {}

  static void add(Families to, Sources from) {
    to.addInfo(Metric.BUILD, from.version(), from.apiVersion(), from.instance());
    RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
    to.addInfo(Metric.JVM_INFO, runtime.getVmVersion(), runtime.getVmVendor(), runtime.getVmName());
    to.add(Metric.START_TIME, runtime.getStartTime() / 1e3);
    OperatingSystemMXBean system = ManagementFactory.getOperatingSystemMXBean();
    if (system instanceof com.sun.management.OperatingSystemMXBean known) {
      to.add(Metric.CPU, known.getProcessCpuTime() / 1e9);
    }
    if (system instanceof com.sun.management.UnixOperatingSystemMXBean unix) {
      to.add(Metric.OPEN_HANDLES, unix.getOpenFileDescriptorCount());
      to.add(Metric.MAX_HANDLES, unix.getMaxFileDescriptorCount());
    }
    resident(to);
    memory(to, from);
    for (GarbageCollectorMXBean gc : ManagementFactory.getGarbageCollectorMXBeans()) {
      to.add(Metric.JVM_GC, Math.max(0, gc.getCollectionCount()), gc.getName());
      to.add(Metric.JVM_GC_TIME, Math.max(0, gc.getCollectionTime()) / 1e3, gc.getName());
    }
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    to.add(Metric.JVM_THREADS, threads.getThreadCount());
    to.add(Metric.JVM_THREADS_PEAK, threads.getPeakThreadCount());
  }

  private static void memory(Families to, Sources from) {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    area(to, "heap", memory.getHeapMemoryUsage());
    area(to, "nonheap", memory.getNonHeapMemoryUsage());
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        to.add(Metric.JVM_BUFFERS, pool.getMemoryUsed(), "direct");
      }
    }
    to.add(Metric.JVM_BUFFERS, from.http().socketMemoryBytes(), "netty");
    to.add(Metric.JVM_BUFFERS_MAX, from.http().socketMemoryMax());
  }

  private static void area(Families to, String name, MemoryUsage usage) {
    to.add(Metric.JVM_USED, usage.getUsed(), name);
    to.add(Metric.JVM_COMMITTED, usage.getCommitted(), name);
    to.addLimit(Metric.JVM_MAX, usage.getMax() < 0 ? Long.MAX_VALUE : usage.getMax(), name);
  }

  /** Linux tells it in kilobytes. */
  private static void resident(Families to) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(RESIDENT)) {
          long kilobytes = Long.parseLong(line.replaceAll("[^0-9]", ""));
          to.add(Metric.RESIDENT, kilobytes * 1024.0);
        }
      }
    } catch (IOException notLinux) {
      // Other systems do not tell it in a file.
    }
  }
}
