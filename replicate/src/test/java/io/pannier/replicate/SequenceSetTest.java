package io.pannier.replicate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SequenceSetTest {
  private static List<Long> numbers(SequenceSet set) {
    var numbers = new ArrayList<Long>();
    for (long at = set.next(0); at >= 0; at = set.next(at + 1)) {
      numbers.add(at);
    }
    return numbers;
  }

  @Test
  void itBehavesAsASet() throws IOException {
    for (int seed = 0; seed < 30; seed++) {
      var random = new Random(seed);
      var set = new SequenceSet();
      var model = new TreeSet<Long>();
      for (int i = 0; i < 3000; i++) {
        long number = random.nextInt(random.nextBoolean() ? 300 : 20_000);
        switch (random.nextInt(12)) {
          case 0 -> {
            for (long n = number; n < number + 5000; n++) {
              assertThat(set.add(n)).isEqualTo(model.add(n));
            }
          }
          case 1, 2, 3, 4 -> assertThat(set.remove(number)).isEqualTo(model.remove(number));
          case 5 -> {
            long low = random.nextInt(500);
            set.removeBelow(low);
            model.headSet(low).clear();
          }
          case 6 -> {
            long high = 15_000L + random.nextInt(12_000);
            set.removeAbove(high);
            model.tailSet(high + 1).clear();
          }
          default -> assertThat(set.add(number)).isEqualTo(model.add(number));
        }
        assertThat(set.size()).isEqualTo(model.size());
        assertThat(set.contains(number)).isEqualTo(model.contains(number));
      }
      assertThat(numbers(set)).containsExactlyElementsOf(model);
      var bytes = new ByteArrayOutputStream();
      set.write(new DataOutputStream(bytes));
      var again =
          SequenceSet.read(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
      assertThat(numbers(again)).containsExactlyElementsOf(model);
      assertThat(again.size()).isEqualTo(model.size());
    }
  }

  @Test
  void neighboursCostNextToNothing() throws IOException {
    var set = new SequenceSet();
    for (long n = 0; n < 4096 * 100; n++) {
      set.add(n);
    }
    var bytes = new ByteArrayOutputStream();
    set.write(new DataOutputStream(bytes));
    assertThat(bytes.size()).isEqualTo(4 + 100 * 9);
  }
}
