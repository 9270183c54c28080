package io.pannier.server.http;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What metrics and names of requests add to each request. {@code -prof gc} shows no allocation. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RouteMeterBenchmark {
  private final RouteMeter meter = new RouteMeter("POST", "/b/{bucket}/{entry}");
  private final HttpMeters meters = new HttpMeters();
  private final RequestIds ids = new RequestIds(0x1234_5678);

  /** Buffers of one thread. */
  @State(Scope.Thread)
  public static class Head {
    private final byte[] bytes = new byte[256];
    private long requests;
  }

  /** A small write that took 20 µs: everything that is counted of it, by one thread. */
  @Benchmark
  public void count() {
    meters.inFlight.increment();
    meters.inFlight.decrement();
    meter.count(200, 20_000, 1_000, 0, false);
  }

  /** The same by four threads, as many as there are event loops. */
  @Benchmark
  @Threads(4)
  public void countSideBySide() {
    count();
  }

  /** A slow read, which goes through most of the ranges. */
  @Benchmark
  public void countSlow() {
    meter.count(200, 4_000_000_000L, 0, 8_000_000, false);
  }

  /** The name of a request, in the head of its answer. */
  @Benchmark
  public int writeName(Head head) {
    return ids.put(0x1a2, ++head.requests, head.bytes, 0);
  }
}
