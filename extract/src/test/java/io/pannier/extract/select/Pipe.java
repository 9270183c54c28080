package io.pannier.extract.select;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.pannier.model.Labels;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Screen;
import io.pannier.query.ext.Step;
import io.pannier.query.ext.Work;
import io.pannier.query.when.Condition;
import io.pannier.query.when.Evaluator;
import io.pannier.query.when.Interrupt;
import io.pannier.query.when.RecordFacts;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Function;
import org.slf4j.LoggerFactory;

/** One step with its condition, fed with records, as a query does it. */
final class Pipe implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private final Step step;
  private final Condition condition;
  private final Evaluator evaluator;

  Pipe(String parameters, String when, Work work) {
    this(parameters, when, work, Condition::screen);
  }

  /** As a query does it, but for what the step is told of the condition. */
  Pipe(String parameters, String when, Work work, Function<Condition, Screen> screen) {
    condition = when.isEmpty() ? Condition.ALL : Condition.parse(json(when));
    Extension select =
        ServiceLoader.load(Extension.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(extension -> extension.name().equals("select"))
            .findFirst()
            .orElseThrow();
    step =
        select.open(
            new Opening(
                "b",
                "e",
                json(parameters),
                json("{}") instanceof ObjectNode query ? query : JSON.createObjectNode(),
                when.isEmpty() ? Screen.OPEN : screen.apply(condition),
                work,
                LoggerFactory.getLogger("test")));
    evaluator = new Evaluator(condition);
  }

  Pipe(String parameters, String when) {
    this(parameters, when, Work.unbounded());
  }

  /** Everything that a query over these records answers. */
  static List<Item> run(String parameters, String when, Item... records) {
    try (var pipe = new Pipe(parameters, when)) {
      var outputs = new ArrayList<Item>();
      for (Item record : records) {
        outputs.addAll(pipe.put(record));
      }
      outputs.addAll(pipe.flush());
      return outputs;
    }
  }

  List<Item> put(Item record) {
    var outputs = new ArrayList<Item>();
    try (Items items = step.process(record)) {
      for (Item item = items.next(); item != null; item = items.next()) {
        if (holds(item)) {
          drain(step.commit(item), outputs);
        }
      }
      drain(step.finish(record), outputs);
      return outputs;
    } catch (RuntimeException e) {
      step.discard(record);
      throw e;
    }
  }

  List<Item> flush() {
    var outputs = new ArrayList<Item>();
    drain(step.flush(), outputs);
    return outputs;
  }

  @Override
  public void close() {
    step.close();
  }

  private boolean holds(Item item) {
    if (condition.choosesAll()) {
      return true;
    }
    try {
      return evaluator.isTrue(
          condition.root(),
          new RecordFacts() {
            @Override
            public long timestamp() {
              return item.timestamp();
            }

            @Override
            public String label(String name) {
              return item.labels().get(name);
            }

            @Override
            public String computedLabel(String name) {
              return item.computed(name);
            }
          });
    } catch (Interrupt e) {
      return false;
    }
  }

  private static void drain(Items items, List<Item> outputs) {
    try (items) {
      for (Item item = items.next(); item != null; item = items.next()) {
        outputs.add(item);
      }
    }
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  static Item record(long time, String contentType, byte[] body) {
    return Item.of("e", time, Labels.of("sensor", "imu"), Labels.EMPTY, contentType, Body.of(body));
  }

  static Item csv(long time, String body) {
    return record(time, "text/csv", body.getBytes(StandardCharsets.UTF_8));
  }

  static Item jsonRecord(long time, String body) {
    return record(time, "application/json", body.getBytes(StandardCharsets.UTF_8));
  }

  static byte[] bytes(Item item) {
    return item.body().bytes(Integer.MAX_VALUE - 16);
  }

  static String text(Item item) {
    return new String(bytes(item), StandardCharsets.UTF_8);
  }

  /** Bodies of the outputs. */
  static List<String> texts(List<Item> outputs) {
    return outputs.stream().map(Pipe::text).toList();
  }
}
