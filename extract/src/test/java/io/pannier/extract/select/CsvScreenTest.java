package io.pannier.extract.select;

import static org.assertj.core.api.Assertions.assertThat;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Work;
import io.pannier.query.when.Condition;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** What a step judges by itself is what the condition would have said. */
class CsvScreenTest {
  private static final String[] CELLS = {
    "0",
    "-0",
    "-0.0",
    "1",
    "+1",
    "2",
    "1.0",
    "1.5",
    "-1.5",
    ".5",
    "5.",
    ".",
    "-",
    "",
    " 1 ",
    "1e3",
    "nan",
    "inf",
    "true",
    "x",
    "\"1\"",
    "\"1,\n2\"",
    "1\"2",
    "9007199254740993",
    "9007199254740992",
    "9007199254740993.0",
    "999999999999999999",
    "9999999999999999999",
    "0.30000000000000004",
    "0.3",
    "123456789.012345",
    "1.7976931348623157e308",
    "1..2",
    "1.2.3",
    "000000000000000001.5"
  };
  private static final String[] NUMBERS = {
    "0", "1", "-1", "1.0", "1.5", "0.3", "9007199254740993", "9007199254740992.0", "1000", "1e300"
  };
  private static final String[] COMPARISONS = {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"};
  private static final String COLUMNS =
      "{\"columns\":[{\"index\":1,\"as_label\":\"a\"},{\"index\":2,\"as_label\":\"b\"},{\"from\":0},"
          + "{\"index\":0,\"as_label\":\"b\"}]}";

  private static <T> T one(T[] of, Random random) {
    return of[random.nextInt(of.length)];
  }

  private static String comparison(Random random) {
    String label = random.nextInt(20) == 0 ? "@none" : random.nextBoolean() ? "@a" : "@b";
    String number = random.nextInt(10) == 0 ? "\"x\"" : one(NUMBERS, random);
    return "{\"" + label + "\":{\"" + one(COMPARISONS, random) + "\":" + number + "}}";
  }

  private static String condition(Random random) {
    String first = comparison(random);
    String second = comparison(random);
    return switch (random.nextInt(6)) {
      case 0 -> "{\"$and\":[" + first + "," + second + "],\"$limit\":3}";
      case 1 -> "{\"$each_n\":2,\"$and\":[" + first + "]}";
      case 2 -> "{\"$or\":[" + first + "," + second + "]}";
      case 3 -> "{\"$and\":[" + first + ",{\"$or\":[" + second + "]}]}";
      default -> first;
    };
  }

  private static String text(Random random) {
    var text = new StringBuilder();
    int rows = random.nextInt(700);
    for (int row = 0; row < rows; row++) {
      int cells = random.nextInt(20) == 0 ? random.nextInt(5) : 4;
      for (int cell = 0; cell < cells; cell++) {
        text.append(cell == 0 ? "" : ",").append(one(CELLS, random));
      }
      text.append(random.nextInt(3) == 0 ? "\r\n" : "\n");
    }
    return text.toString();
  }

  /** What a client would be told, record by record. */
  private static List<String> told(
      String when, List<String> texts, Function<Condition, Screen> screen) {
    var told = new ArrayList<String>();
    try (var pipe = new Pipe(COLUMNS, when, Work.unbounded(), screen)) {
      for (int i = 0; i < texts.size(); i++) {
        try {
          for (Item item : pipe.put(Pipe.csv(i, texts.get(i)))) {
            told.add(item.computed() + Pipe.text(item));
          }
        } catch (PannierException e) {
          told.add(e.toString());
        }
      }
    }
    return told;
  }

  @Property(tries = 200)
  void aScreenChangesNothing(@ForAll long seed) {
    var random = new Random(seed);
    String when = condition(random);
    List<String> texts = List.of(text(random), text(random), text(random));
    assertThat(told(when, texts, Condition::screen)).isEqualTo(told(when, texts, _ -> Screen.NONE));
  }

  @Test
  void rowsThatNoConditionKeepsAreNoItems() {
    var columns =
        new SelectConfig.Columns(
            false, false, List.of(new SelectConfig.Column.At(0, java.util.Optional.of("a"))));
    Screen above = Condition.parse(Pipe.json("{\"@a\":{\"$gt\":1}}")).screen();
    assertThat(above.decides()).isTrue();
    try (var step = new CsvColumnsStep(columns, above, Work.unbounded())) {
      Item record = Pipe.csv(1, "1\n2\n 3\n0\n");
      Items rows = step.process(record);
      Item asked = rows.next();
      assertThat(asked).isNotNull();
      assertThat(asked.computed()).isEqualTo(Labels.of("a", "3"));
      assertThat(rows.next()).isNull();
      assertThat(Pipe.text(step.finish(record).next())).isEqualTo("2\n");
    }
  }

  @Test
  void aRowInSomeHundredsGoesToTheQuerySoThatOthersHaveTheirTurn() {
    var columns =
        new SelectConfig.Columns(
            false, false, List.of(new SelectConfig.Column.At(0, java.util.Optional.of("a"))));
    try (var step = new CsvColumnsStep(columns, Screen.OPEN, Work.unbounded())) {
      Item record = Pipe.csv(1, "1\n".repeat(10_000));
      Items rows = step.process(record);
      int given = 0;
      for (Item row = rows.next(); row != null; row = rows.next()) {
        step.commit(row);
        given++;
      }
      assertThat(given).isBetween(10, 100);
      assertThat(Pipe.text(step.finish(record).next())).isEqualTo("1\n".repeat(10_000));
    }
  }
}
