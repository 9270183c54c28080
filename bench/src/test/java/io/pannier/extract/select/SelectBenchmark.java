package io.pannier.extract.select;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.slf4j.LoggerFactory;

/**
 * Columns of an IMU file: 10 000 rows of time and three accelerations, 349 kB. MB/s are the size
 * divided by the time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SelectBenchmark {
  private static final String COLUMNS =
      """
      {"csv":{"has_headers":true},"columns":[{"name":"ts","as_label":"ts_ns"},{"name":"x","as_label":"acc_x"},
       {"name":"y"},{"name":"z"}]}
      """;

  /** Who judges the rows: nobody, the step itself, or whoever is given an item for each of them. */
  public enum Judge {
    /** There is no condition. */
    NOBODY,
    /** A comparison of numbers, which the step is told. */
    STEP,
    /** The step is told nothing. */
    ASKER
  }

  /** Who judges the rows. */
  @Param public Judge judge = Judge.NOBODY;

  private static final double LIMIT = 1.9;

  private Item record =
      Item.of("e", 1, Labels.EMPTY, Labels.EMPTY, "text/csv", Body.of(new byte[0]));
  private Step step = item -> Items.none();

  /** The file, and a step that is open. */
  @Setup(Level.Trial)
  public void open() throws Exception {
    var text = new StringBuilder("ts,x,y,z\n");
    for (int row = 0; row < 10_000; row++) {
      text.append(1_700_000_000_000_000L + row * 100L);
      text.append(
          String.format(
              Locale.ROOT,
              ",%.3f,%.3f,%.3f%n",
              Math.sin(row) * 2,
              Math.cos(row) * 2,
              9 + Math.sin(row * 0.1)));
    }
    byte[] body = text.toString().getBytes(StandardCharsets.UTF_8);
    record = Item.of("e", 1, Labels.EMPTY, Labels.EMPTY, "text/csv", Body.of(body));
    var json = new JsonMapper();
    step =
        new SelectExtension()
            .open(
                new Opening(
                    "b",
                    "e",
                    json.readTree(COLUMNS),
                    json.createObjectNode(),
                    switch (judge) {
                      case NOBODY -> Screen.OPEN;
                      case STEP ->
                          new Screen(
                              List.of(Screen.Comparison.of("acc_x", Screen.Relation.ABOVE, LIMIT)),
                              true);
                      case ASKER -> Screen.NONE;
                    },
                    Work.unbounded(),
                    LoggerFactory.getLogger("bench")));
  }

  /** One file. */
  @Benchmark
  public long select() {
    long kept = 0;
    Items rows = step.process(record);
    for (Item row = rows.next(); row != null; row = rows.next()) {
      String x = row.computed("acc_x");
      if (x != null && (judge == Judge.NOBODY || Double.parseDouble(x) > LIMIT)) {
        step.commit(row);
        kept++;
      }
    }
    Item joined = step.finish(record).next();
    return joined == null ? kept : joined.body().length();
  }
}
