package io.pannier.query;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TrailTest {
  @Property(tries = 300)
  void findsTheLastOnes(@ForAll long seed, @ForAll @IntRange(min = 1, max = 5000) int count) {
    var random = new Random(seed);
    var trail = new Trail();
    var times = new ArrayList<Long>();
    long time = 0;
    for (int i = 0; i < count; i++) {
      time += 1 + random.nextInt(10);
      times.add(time);
      trail.add(time);
    }
    for (int i = 0; i < 20; i++) {
      long wanted = 1L + random.nextInt(2 * count);
      Trail.Start start = trail.lastOnes(wanted);
      int first = times.indexOf(start.time()) + (int) start.skip();
      assertThat(count - first).isEqualTo((int) Math.min(wanted, count));
    }
    trail.clear();
    trail.add(7);
    assertThat(trail.lastOnes(3)).isEqualTo(new Trail.Start(7, 0));
  }

  /** A hundred million records would be 800 MB of times. */
  @Test
  void takesTheSameMemoryForAnyNumber() {
    var trail = new Trail();
    for (long i = 0; i < 100_000_000; i++) {
      trail.add(i);
    }
    Trail.Start start = trail.lastOnes(50_000_000);
    assertThat(start.time() + start.skip()).isEqualTo(50_000_000);
    assertThat(start.skip()).isLessThan(1_000_000);
  }
}
