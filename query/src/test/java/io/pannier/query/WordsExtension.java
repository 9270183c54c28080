package io.pannier.query;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.query.ext.Body;
import io.pannier.query.ext.Extension;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Opening;
import io.pannier.query.ext.Step;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Splits texts at blanks: each word becomes an item with computed labels {@code word} and {@code
 * at}, its time is that of the record and as many microseconds more as words are before it. Words
 * that are commands: {@code FAIL} (422), {@code CRASH} (a fault of its own), {@code SPIN} (works
 * until it is told to stop), {@code HANG} (does not stop then), {@code NEEDS:n} (reserves memory).
 * Parameters: {@code refuse} (a text, told at once), {@code independent}, {@code same_time}, {@code
 * reverse} (the last word comes first in time), {@code entry}, {@code show} ({@code parameters} as
 * content instead of words).
 */
public final class WordsExtension implements Extension {
  /** Lets those go that hang. */
  static volatile CountDownLatch hanging = new CountDownLatch(1);

  /** Tells that one hangs. */
  static volatile CountDownLatch hung = new CountDownLatch(1);

  @Override
  public String name() {
    return "words";
  }

  @Override
  public String version() {
    return "1.0";
  }

  @Override
  public Step open(Opening opening) {
    JsonNode parameters = opening.parameters();
    if (parameters.has("refuse")) {
      throw new PannierException.Invalid(parameters.get("refuse").asText());
    }
    return new Step() {
      @Override
      public Items process(Item input) {
        return new Words(opening, input);
      }

      @Override
      public boolean isIndependent() {
        return parameters.has("independent");
      }
    };
  }

  private static final class Words implements Items {
    private final Opening opening;
    private final Item input;
    private String @Nullable [] words;
    private int at;

    Words(Opening opening, Item input) {
      this.opening = opening;
      this.input = input;
    }

    @Override
    public @Nullable Item next() {
      String[] all = words;
      if (all == null) {
        all =
            opening.parameters().has("show")
                ? new String[] {opening.parameters().toString()}
                : new String(input.body().bytes(1 << 20), StandardCharsets.UTF_8).split(" ");
        words = all;
      }
      if (at == all.length) {
        return null;
      }
      String word = all[at];
      obey(word);
      JsonNode parameters = opening.parameters();
      Item made =
          Item.of(
              parameters.path("entry").asText(input.entry()),
              input.timestamp() + place(all.length),
              input.labels(),
              Labels.of("word", word, "at", Integer.toString(at)),
              "text/word",
              Body.of(word.getBytes(StandardCharsets.UTF_8)));
      at++;
      return made;
    }

    private int place(int count) {
      JsonNode parameters = opening.parameters();
      return parameters.has("same_time") ? 0 : parameters.has("reverse") ? count - 1 - at : at;
    }

    private void obey(String word) {
      if (word.equals("FAIL")) {
        throw new PannierException.Invalid("Word 'FAIL' failed");
      } else if (word.equals("CRASH")) {
        throw new IllegalStateException("crashed");
      } else if (word.equals("SPIN")) {
        for (; ; ) {
          opening.work().check();
        }
      } else if (word.equals("HANG")) {
        hung.countDown();
        try {
          hanging.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      } else if (word.startsWith("NEEDS:")) {
        long bytes = Long.parseLong(word.substring(6));
        opening.work().reserve(bytes);
        opening.work().release(bytes);
      }
    }
  }
}
