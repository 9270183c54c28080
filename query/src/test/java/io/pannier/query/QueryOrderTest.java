package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** The merge against a sorted list. */
class QueryOrderTest {
  record Sample(String entry, long timestamp) {}

  @Provide
  Arbitrary<List<Sample>> samples() {
    var times =
        Arbitraries.oneOf(
            Arbitraries.longs().between(0, 30),
            Arbitraries.of(
                Long.MAX_VALUE - 1, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1, -2L, -1L));
    return Combinators.combine(Arbitraries.of("a", "b", "b/c", "d", "e"), times)
        .as(Sample::new)
        .list()
        .ofMaxSize(60)
        .uniqueElements();
  }

  @Property(tries = 100)
  void everyRecordOfTheRangeComesOnceInOrder(
      @ForAll("samples") List<Sample> samples,
      @ForAll @IntRange(min = 1, max = 20) int batch,
      @ForAll("samples") List<Sample> bounds) {
    try (var own = new TestStore();
        var live = own.queries()) {
      for (Sample s : samples) {
        own.write(s.entry, s.timestamp);
      }
      var ends = bounds.stream().map(Sample::timestamp).sorted(Timestamp::compare).toList();
      OptionalLong start = ends.isEmpty() ? OptionalLong.empty() : OptionalLong.of(ends.getFirst());
      OptionalLong stop = ends.size() < 2 ? OptionalLong.empty() : OptionalLong.of(ends.getLast());
      Query query = live.start("me", own.bucket, QueryOptions.range(start, stop), null);
      var got = new ArrayList<String>();
      for (boolean goOn = true; goOn; ) {
        var sink = new ListSink(batch);
        var outcome = new ArrayList<ReadOutcome>();
        query.read(sink, ReadLimits.DEFAULT, false, own.executor, outcome::add);
        own.executor.runAll();
        got.addAll(sink.records);
        goOn = outcome.getFirst() instanceof ReadOutcome.Batch(boolean last) && !last;
      }
      assertThat(got)
          .containsExactlyElementsOf(
              samples.stream()
                  .filter(
                      s -> start.isEmpty() || !Timestamp.isBefore(s.timestamp, start.getAsLong()))
                  .filter(s -> stop.isEmpty() || Timestamp.isBefore(s.timestamp, stop.getAsLong()))
                  .sorted(
                      Comparator.comparing(Sample::timestamp, Timestamp::compare)
                          .thenComparing(Sample::entry))
                  .map(s -> s.entry + "@" + Timestamp.toString(s.timestamp))
                  .toList());
    }
  }
}
