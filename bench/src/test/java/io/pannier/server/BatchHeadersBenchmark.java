package io.pannier.server;

import io.pannier.server.BatchRequest.Purpose;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The record headers of a batch of 80, per record. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class BatchHeadersBenchmark {
  private static final int RECORDS = 80;
  private static final long FIRST_TS = 1_700_000_000_000_000L;

  private final String[] names = new String[RECORDS];
  private final String[] plain = new String[RECORDS];
  private final String[] labelled = new String[RECORDS];

  /** Writes the headers. */
  @Setup
  public void write() {
    for (int i = 0; i < RECORDS; i++) {
      names[i] = BatchV1.TIME + (FIRST_TS + i);
      plain[i] = "1000,application/octet-stream";
      labelled[i] = "1000,image/jpeg,camera=front,score=0." + i;
    }
  }

  private BatchRequest parse(String[] values) {
    var batch = new BatchV1(Purpose.WRITE);
    for (int i = 0; i < RECORDS; i++) {
      batch.header(names[i], values[i]);
    }
    return batch.request("entry");
  }

  /** Protocol v1, no labels. */
  @Benchmark
  @OperationsPerInvocation(RECORDS)
  public Object parsePlain() {
    return parse(plain);
  }

  /** Protocol v1, two labels. */
  @Benchmark
  @OperationsPerInvocation(RECORDS)
  public Object parseLabelled() {
    return parse(labelled);
  }
}
