package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.BucketSettings;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.QuotaType;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.RecordFacts;
import io.pannier.store.Bucket;
import io.pannier.store.Entry;
import io.pannier.store.NewRecord;
import io.pannier.store.StoredRecord;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/**
 * Whatever way a query takes through blocks and indexes, its answer is that of a condition
 * evaluated on one record after the other.
 */
class PlanTest {
  private static final List<String> NAMES = List.of("a", "b", "c", "d");

  private static final List<String> VALUES =
      List.of(
          "0",
          "1",
          "2",
          "7",
          "-3",
          "007",
          "1.5",
          "-0.5",
          "1e3",
          "NaN",
          "inf",
          "true",
          "false",
          "",
          "x",
          "y",
          "red",
          "9223372036854775807",
          "9223372036854775808");

  @Property(tries = 1500)
  void everyPlanIsThePlainEvaluation(@ForAll long seed) {
    var random = new Random(seed);
    try (var t = new TestStore()) {
      Queries queries = t.queries();
      // Blocks with more values of a label than are tried one by one.
      boolean isLarge = random.nextInt(25) == 0;
      Bucket bucket =
          t.store.createBucket(
              "plan",
              new BucketSettings(
                  QuotaType.NONE, 0, 64_000_000, isLarge ? 300 : 1 + random.nextInt(12), null));
      Entry entry = bucket.entryForWrite("e");
      fill(entry, random, isLarge ? 700 : random.nextInt(60));
      for (int i = 0; i < 12; i++) {
        check(t, queries, bucket, entry, random);
      }
      queries.close();
    }
  }

  /** Mostly in order, some belated; some labels have few values, one may have many. */
  private static void fill(Entry entry, Random random, int count) {
    boolean isSorted = random.nextBoolean();
    int kinds = 1 + random.nextInt(VALUES.size());
    long time = 0;
    var times = new LinkedHashSet<Long>();
    for (int i = 0; i < count; i++) {
      time += 1 + random.nextInt(3);
      long at =
          isSorted || random.nextInt(4) > 0 ? time * 1000 : random.nextInt(3000 * (count + 1));
      if (!times.add(at)) {
        continue;
      }
      entry.write(new NewRecord(at, "", labels(random, kinds, i), ByteBuffer.wrap(new byte[] {1})));
    }
    for (long at : times) {
      int what = random.nextInt(12);
      if (what == 0) {
        entry.remove(at);
      } else if (what == 1) {
        entry.updateLabels(at, labels(random, VALUES.size(), 0));
      }
    }
  }

  private static Labels labels(Random random, int kinds, int number) {
    var builder = new Labels.Builder();
    for (String name : NAMES) {
      if (random.nextInt(5) > 0) {
        builder.set(name, VALUES.get(random.nextInt(kinds)));
      }
    }
    return builder.set("n", number + List.of("", "", "", ".5").get(random.nextInt(4))).build();
  }

  private static void check(
      TestStore t, Queries queries, Bucket bucket, Entry entry, Random random) {
    String when = condition(random);
    boolean strict = random.nextInt(3) == 0;
    long start = random.nextInt(3) == 0 ? random.nextInt(150_000) : 0;
    OptionalLong stop =
        random.nextInt(3) == 0
            ? OptionalLong.of(start + random.nextInt(100_000))
            : OptionalLong.empty();
    Condition condition;
    try {
      condition = Condition.parse(WhenVectors.json(when));
    } catch (PannierException.Invalid malformed) {
      return;
    }
    var options =
        new QueryOptions(
            QueryOptions.Kind.QUERY,
            Optional.of(List.of("e")),
            OptionalLong.of(start),
            stop,
            60,
            false,
            false,
            strict,
            Optional.of(condition));
    List<StoredRecord> stored = entry.scan(options.range(), 100_000);
    var plain = new Plain(condition, strict);
    plain.run(stored);
    var got = new ArrayList<Long>();
    PannierException failure = null;
    Query query = queries.start("me", bucket, options, (ObjectNode) null);
    for (boolean goesOn = true; goesOn; ) {
      var sink = new TimeSink(1 + random.nextInt(20));
      var outcome = new ArrayList<ReadOutcome>();
      query.read(sink, ReadLimits.DEFAULT, false, t.executor, outcome::add);
      t.executor.runAll();
      switch (outcome.getFirst()) {
        case ReadOutcome.Failed(PannierException error) -> {
          failure = error;
          goesOn = false;
        }
        case ReadOutcome.Nothing() -> goesOn = false;
        case ReadOutcome.Batch(boolean last) -> {
          got.addAll(sink.times);
          goesOn = !last;
        }
      }
    }
    String what = when + (strict ? " strict" : " lax") + " from " + start + " to " + stop;
    if (plain.failure != null) {
      assertThat(failure).as(what).isNotNull().hasMessage(plain.failure.getMessage());
      // Full batches before the error are given.
      assertThat(plain.given.toString().replace("]", ""))
          .as(what)
          .startsWith(got.toString().replace("]", ""));
      return;
    }
    assertThat(failure).as(what).isNull();
    assertThat(got).as(what).isEqualTo(plain.given);
    assertThat(Queries.explain(bucket, options).chosen()).as(what).isEqualTo(got.size());
  }

  // ---------------------------------------------------------------- conditions

  private static String condition(Random random) {
    var members = new ArrayList<String>();
    if (random.nextInt(5) == 0) {
      members.add("\"#ctx_before\":" + (random.nextBoolean() ? "" + random.nextInt(4) : "\"3ms\""));
    }
    if (random.nextInt(5) == 0) {
      members.add("\"#ctx_after\":" + (random.nextBoolean() ? "" + random.nextInt(4) : "\"3ms\""));
    }
    int count = 1 + random.nextInt(3);
    var operands = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      operands.add(expression(random, 3));
    }
    members.add("\"$and\":[" + String.join(",", operands) + "]");
    if (random.nextInt(5) == 0) {
      members.add("\"$limit\":" + random.nextInt(6));
    }
    return "{" + String.join(",", members) + "}";
  }

  private static String expression(Random random, int depth) {
    int kind = random.nextInt(depth == 0 ? 4 : 20);
    return switch (kind) {
      case 0 -> "\"&" + name(random) + "\"";
      case 1, 2 -> constant(random);
      case 3 -> "\"$timestamp\"";
      case 4 -> call(random, depth, List.of("$and", "$or", "$not", "$xor").get(random.nextInt(4)));
      case 5 -> "{\"$has\":[\"" + name(random) + "\"]}";
      case 6 -> "{\"$each_n\":" + (1 + random.nextInt(3)) + "}";
      case 7 -> "{\"$each_t\":\"" + random.nextInt(5) + "ms\"}";
      case 8 -> "{\"$gate\":[\"4ms\"," + expression(random, depth - 1) + "]}";
      case 9 -> pair(random, depth, List.of("$add", "$sub", "$div", "$rem").get(random.nextInt(4)));
      case 15 -> manyConstants(random);
      case 10 ->
          "{\"$in\":[\"&" + name(random) + "\"," + constant(random) + "," + constant(random) + "]}";
      case 11 ->
          "{\"$timestamp\":{\"" + comparison(random) + "\":" + random.nextInt(200_000) + "}}";
      case 12 -> "{\"$eq\":[{\"$text\":\"&" + name(random) + "\"},\"007\"]}";
      case 13 -> "{\"$contains\":[\"&" + name(random) + "\",\"" + random.nextInt(10) + "\"]}";
      case 14 -> pair(random, depth, comparison(random));
      default ->
          "{\"&" + name(random) + "\":{\"" + comparison(random) + "\":" + constant(random) + "}}";
    };
  }

  private static String manyConstants(Random random) {
    var operands = new ArrayList<String>();
    for (int i = 0; i < 12; i++) {
      operands.add(constant(random));
    }
    return (random.nextBoolean() ? "{\"$in\":[\"&" : "{\"$nin\":[\"&")
        + name(random)
        + "\","
        + String.join(",", operands)
        + "]}";
  }

  private static String call(Random random, int depth, String operator) {
    var operands = new ArrayList<String>();
    for (int i = random.nextInt(4); i > 0; i--) {
      operands.add(expression(random, depth - 1));
    }
    return "{\"" + operator + "\":[" + String.join(",", operands) + "]}";
  }

  private static String pair(Random random, int depth, String operator) {
    return "{\""
        + operator
        + "\":["
        + expression(random, depth - 1)
        + ","
        + expression(random, depth - 1)
        + "]}";
  }

  private static String comparison(Random random) {
    return List.of("$eq", "$ne", "$gt", "$gte", "$lt", "$lte").get(random.nextInt(6));
  }

  private static String name(Random random) {
    return random.nextInt(6) == 0 ? "n" : NAMES.get(random.nextInt(NAMES.size()));
  }

  private static String constant(Random random) {
    if (random.nextInt(4) == 0) {
      return random.nextInt(800) + (random.nextBoolean() ? "" : ".5");
    }
    return List.of(
            "0", "1", "2", "7", "30", "-3", "1.5", "true", "false", "\"x\"", "\"red\"", "\"\"",
            "\"1s\"", "\"7\"")
        .get(random.nextInt(14));
  }

  // ---------------------------------------------------------------- the plain way

  /**
   * Evaluates record by record, and keeps a buffer of records for the context, as the text says.
   */
  private static final class Plain {
    private final Condition condition;
    private final boolean strict;
    private final Evaluator evaluator;
    final List<Long> given = new ArrayList<>();
    @Nullable PannierException failure;

    Plain(Condition condition, boolean strict) {
      this.condition = condition;
      this.strict = strict;
      evaluator = new Evaluator(condition);
    }

    void run(List<StoredRecord> records) {
      var buffer = new ArrayDeque<Long>();
      long remaining = -1;
      long until = -1;
      for (StoredRecord record : records) {
        long time = record.timestamp();
        buffer.add(time);
        if (condition.before().byTime()) {
          while (buffer.getFirst() < time - condition.before().amount()) {
            buffer.removeFirst();
          }
        } else {
          while (buffer.size() > condition.before().amount() + 1) {
            buffer.removeFirst();
          }
        }
        boolean matches;
        try {
          matches = evaluator.isTrue(condition.root(), facts(record));
        } catch (Interrupt e) {
          return;
        } catch (PannierException e) {
          if (strict) {
            failure = e;
            return;
          }
          matches = false;
        }
        if (matches) {
          remaining = condition.after().byTime() ? 0 : condition.after().amount();
          until = condition.after().byTime() ? time + condition.after().amount() : -1;
        } else {
          remaining--;
        }
        if (matches || (condition.after().byTime() ? time <= until : remaining >= 0)) {
          given.addAll(buffer);
          buffer.clear();
        }
      }
    }

    private static RecordFacts facts(StoredRecord record) {
      return new RecordFacts() {
        @Override
        public long timestamp() {
          return record.timestamp();
        }

        @Override
        public @Nullable String label(String name) {
          return record.labels().get(name);
        }
      };
    }
  }

  private static final class TimeSink implements BatchSink {
    final List<Long> times = new ArrayList<>();
    private final int max;

    TimeSink(int max) {
      this.max = max;
    }

    @Override
    public boolean add(StoredRecord record) {
      times.add(record.timestamp());
      return true;
    }

    @Override
    public boolean isEmpty() {
      return times.isEmpty();
    }

    @Override
    public boolean isFull() {
      return times.size() >= max;
    }

    @Override
    public int maxRecords() {
      return max;
    }
  }
}
