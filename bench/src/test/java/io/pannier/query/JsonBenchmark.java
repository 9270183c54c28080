package io.pannier.query;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The body of a query request, from bytes to a tree. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class JsonBenchmark {
  private final byte[] text =
      """
      {"query_type":"QUERY","start":1700000000000000,"stop":1700000001000000,
       "when":{"$and":[{"&camera":{"$eq":"front"}},{"&score":{"$gt":0.5}},
       {"$or":[{"&mode":{"$in":["auto","manual"]}},{"$exists":["map"]}]}],"#select_labels":["score"]}}
      """
          .getBytes(StandardCharsets.UTF_8);

  /** A query with a condition. */
  @Benchmark
  public Object parse() {
    return Json.object(text);
  }
}
