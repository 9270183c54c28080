package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Expression;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.RecordFacts;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A condition: from JSON to a tree, and the tree on one record, without the help of an index. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class WhenBenchmark {
  private final JsonNode json =
      Json.parse(
          """
          {"&camera":{"$eq":"front"},"&score":{"$gt":0.5},
           "$or":[{"$in":["&mode","auto","manual"]},{"$has":["map"]}]}
          """
              .getBytes(StandardCharsets.UTF_8));

  private final Condition condition = Condition.parse(json);
  private final Expression root = condition.root();
  private final Evaluator evaluator = new Evaluator(condition);
  private final RecordFacts record = new Facts();

  private static final class Facts implements RecordFacts {
    private final Map<String, String> labels =
        Map.of("camera", "front", "score", "0.75", "mode", "manual");

    @Override
    public long timestamp() {
      return 1_700_000_000_000_000L;
    }

    @Override
    public @Nullable String label(String name) {
      return labels.get(name);
    }
  }

  /** Parser. */
  @Benchmark
  public Object parse() {
    return Condition.parse(json);
  }

  /** Evaluator. */
  @Benchmark
  public boolean evaluate() throws Interrupt {
    return evaluator.isTrue(root, record);
  }
}
