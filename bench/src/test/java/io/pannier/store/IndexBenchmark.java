package io.pannier.store;

import io.pannier.model.Labels;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The index of a block of 60 000 records of 1 KB with two labels: growing, sealing, searching. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class IndexBenchmark {
  private static final int ROWS = 60_000;
  private static final long FIRST_TS = 1_700_000_000_000_000L;

  private OpenIndex open = new OpenIndex();
  private BlockIndex sealed = open;
  private Labels[] labels = new Labels[0];
  private long next;

  /** Builds both kinds of index. */
  @Setup(Level.Trial)
  public void build() {
    labels = new Labels[100];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = Labels.of(Map.of("camera", "front", "score", Integer.toString(i)));
    }
    open = grown();
    sealed = IndexCodec.decode(IndexCodec.encode(open, List.of())).index();
  }

  private OpenIndex grown() {
    var index = new OpenIndex();
    for (int i = 0; i < ROWS; i++) {
      index.add(FIRST_TS + i * 33L, i * 1112L, 1000, 30, i, 0, "image/jpeg", labels[i % 100]);
    }
    return index;
  }

  private long someTime() {
    next = (next * 1_103_515_245L + 12_345) & Integer.MAX_VALUE;
    return FIRST_TS + next % ROWS * 33;
  }

  /** One more record, in a block that grows from nothing. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public OpenIndex add() {
    return grown();
  }

  /** The row of a time in an open block. */
  @Benchmark
  public int findInOpen() {
    return open.rowAt(open.lowerBound(someTime()));
  }

  /** The row of a time in a sealed block. */
  @Benchmark
  public int findInSealed() {
    return sealed.rowAt(sealed.lowerBound(someTime()));
  }

  /** All labels of one record. */
  @Benchmark
  public Labels labels() {
    return sealed.labels(sealed.lowerBound(someTime()));
  }

  /** One record's share of sealing a block. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public Object encode() {
    return IndexCodec.encode(open, List.of());
  }

  /** One record's share of loading the index of a sealed block. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public Object encodeAndDecode() {
    return IndexCodec.decode(IndexCodec.encode(sealed, List.of()));
  }
}
