package io.pannier.store;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a frame costs beside the copy of its body: checksums, header and trailer. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class FramesBenchmark {
  private static final long SALT = 0x1234_5678_9abc_def0L;
  private static final int META = 40;

  /** Bytes of the body. */
  @Param({"1000", "100000", "8000000"})
  public int size;

  private final Checksum crc = new Checksum();
  private final Checksum scratch = new Checksum();
  private ByteBuffer body = ByteBuffer.allocate(0);
  private ByteBuffer frame = ByteBuffer.allocate(0);
  private int[] chunks = new int[0];

  /** Fills the body with something. */
  @Setup
  public void fill() {
    body = Frames.direct(size);
    for (int i = 0; i < size; i++) {
      body.put(i, (byte) (i * 31 + (i >>> 8)));
    }
    frame = Frames.direct(Frames.HEADER + META + Frames.tailLength(META, size));
    chunks = Frames.chunkCrcs(body, crc);
  }

  /** Checksums of the body's chunks. */
  @Benchmark
  public int[] checksums() {
    return Frames.chunkCrcs(body, scratch);
  }

  /** Header and everything behind the body. */
  @Benchmark
  public int headAndTail() {
    frame.clear();
    Frames.putHeader(
        frame, Frames.KIND_RECORD, 0, 1_700_000_000_000_000L, size, SALT, META, 4096, scratch);
    frame.position(Frames.HEADER + META);
    crc.reset().add(frame, 0, Frames.HEADER + META);
    Frames.putTail(frame, crc, scratch, 4096, META, size, chunks, 1_700_000_000_000_000L, 77, SALT);
    return frame.position();
  }
}
