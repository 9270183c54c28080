package io.pannier.query;

import io.pannier.model.Labels;
import io.pannier.model.PannierException;
import io.pannier.model.Timestamp;
import io.pannier.query.ext.Item;
import io.pannier.query.ext.Items;
import io.pannier.query.ext.Step;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of one query, one behind the other. Pulled from its end: a step works only when
 * somebody wants what comes out of it, and stands still in the middle of a record otherwise. Used
 * by one thread at a time.
 */
final class Pipeline implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Pipeline.class);

  /** Bytes of computed labels of one item: they travel in headers, which clients bound. */
  static final int COMPUTED_BYTES_MAX = 4096;

  /** Where the records of the query come from. */
  interface Feed {
    /** The next record; null: none at this moment. */
    @Nullable Item next();
  }

  /** What a pull brought. */
  enum Pulled {
    /** An item: {@link #item}. */
    ITEM,
    /** Nothing yet: pull again, perhaps after others had their turn. */
    PAUSE,
    /** There is no record at this moment, and nothing is held back any more. */
    DRY
  }

  /** A step and where it stands. */
  private static final class Stage {
    final Step step;
    final @Nullable StepFilter filter;
    final ArrayDeque<Item> kept = new ArrayDeque<>();
    @Nullable Item input;

    /** Computed labels of the input, which what is made of it takes over. */
    Labels inherited = Labels.EMPTY;

    @Nullable Items processing;

    /** What commit, finish or flush made. */
    @Nullable Items made;

    /** The item that was committed; null while {@link #made} is of finish or flush. */
    @Nullable Item committed;

    /** Whether the input is a stored record, whose file is given back behind it. */
    final boolean isFirst;

    Stage(Step step, @Nullable StepFilter filter, boolean isFirst) {
      this.step = step;
      this.filter = filter;
      this.isFirst = isFirst;
    }

    boolean isUsedUp() {
      return filter != null && filter.isUsedUp();
    }
  }

  private final List<Stage> stages = new ArrayList<>();
  private final Feed feed;
  private final BooleanSupplier isTurnOver;
  private final Runnable newUnit;

  /** The record in work. */
  private @Nullable Item record;

  /** Whether a record went in since the last flush. */
  private boolean fed;

  /** The step that is flushed next; −1: none is. */
  private int flushing = -1;

  /** Whether a condition is at work: its errors say what they say. */
  private boolean judging;

  private boolean isOver;
  private @Nullable Item item;

  /** Records that went in and did not vanish while they were in work. */
  private long records;

  /**
   * @param isTurnOver whether to pause for others; asked about once for each item of a step, and
   *     may throw to end the record in work
   * @param newUnit told when a record, or a flush, begins
   */
  Pipeline(Feed feed, BooleanSupplier isTurnOver, Runnable newUnit) {
    this.feed = feed;
    this.isTurnOver = isTurnOver;
    this.newUnit = newUnit;
  }

  /** Adds a step behind those that are there, which it closes from now on. */
  void add(Step step, @Nullable StepFilter filter) {
    stages.add(new Stage(step, filter, stages.isEmpty()));
  }

  /** Whether what becomes of a record depends on that record alone. */
  boolean isIndependent() {
    return stages.stream()
        .allMatch(stage ->
            stage.step.isIndependent() && (stage.filter == null || stage.filter.isIndependent()));
  }

  /** What {@link #pull} brought. */
  Item item() {
    Item there = item;
    if (there == null) {
      throw new IllegalStateException("nothing was pulled");
    }
    return there;
  }

  /** How many records were worked on, except those that vanished meanwhile. */
  long records() {
    return records;
  }

  /** Whether nothing will come any more, whatever the feed has. */
  boolean isOver() {
    return isOver;
  }

  /**
   * Works until there is something to tell.
   *
   * @throws PannierException when the record in work failed; it is left out, and the next pull goes
   *     on behind it
   */
  Pulled pull() {
    try {
      return pullOn();
    } catch (PannierException e) {
      if (record instanceof StoredItem stored && stored.hasVanished()) {
        records--;
        failed(e);
        return Pulled.PAUSE;
      }
      throw failed(e);
    } catch (RuntimeException | StackOverflowError | LinkageError | OutOfMemoryError e) {
      throw failed(new PannierException.Internal("Extension failed: " + e, e));
    }
  }

  private Pulled pullOn() {
    for (; ; ) {
      Pulled pulled = pull(stages.size() - 1);
      if (pulled == Pulled.PAUSE) {
        return pulled;
      }
      if (pulled == Pulled.ITEM) {
        if (isPresentable(item())) {
          return pulled;
        }
        continue;
      }
      if (!flushNext()) {
        return Pulled.DRY;
      }
    }
  }

  /** Has the next step give what it holds back. */
  private boolean flushNext() {
    if (flushing < 0) {
      if (!fed || isOver) {
        return false;
      }
      flushing = 0;
    }
    if (flushing == stages.size()) {
      flushing = -1;
      fed = false;
      return false;
    }
    newUnit.run();
    Stage stage = stages.get(flushing++);
    stage.inherited = Labels.EMPTY;
    stage.made = stage.step.flush();
    return true;
  }

  private Pulled pull(int index) {
    if (index < 0) {
      return pullRecord();
    }
    Stage stage = stages.get(index);
    for (; ; ) {
      if (isTurnOver.getAsBoolean()) {
        return Pulled.PAUSE;
      }
      if (stage.made != null) {
        Item out = stage.made.next();
        if (out != null) {
          item = shown(stage, out);
          return Pulled.ITEM;
        }
        closeMade(stage);
      } else if (!stage.kept.isEmpty()) {
        stage.committed = stage.kept.remove();
        stage.made = stage.step.commit(stage.committed);
      } else if (stage.processing != null) {
        process(stage, index == stages.size() - 1);
      } else {
        if (index == stages.size() - 1 && stage.isUsedUp() && !isOver) {
          // Nothing passes it any more, and what is held back in front of it would have to.
          isOver = true;
          stage.inherited = Labels.EMPTY;
          stage.made = stage.step.flush();
          continue;
        }
        Pulled input = isOver ? Pulled.DRY : pull(index - 1);
        if (input != Pulled.ITEM) {
          return input;
        }
        stage.input = item();
        stage.inherited = item().computed();
        stage.processing = stage.step.process(stage.input);
      }
    }
  }

  /** Takes one item out of what a step makes of its input. */
  private void process(Stage stage, boolean isLast) {
    Items processing = stage.processing;
    Item input = stage.input;
    if (processing == null || input == null) {
      throw new IllegalStateException("nothing in work");
    }
    Item next = stage.isUsedUp() && isLast ? null : processing.next();
    if (next == null) {
      stage.processing = null;
      processing.close();
      stage.made = stage.step.finish(input);
      stage.input = null;
      if (stage.isFirst) {
        // Opened again by whoever still reads from it.
        input.body().close();
      }
    } else if (stage.filter == null) {
      stage.kept.add(next);
    } else if (!stage.isUsedUp()) {
      judging = true;
      stage.filter.judge(next, stage.inherited, stage.kept);
      judging = false;
    }
  }

  private Pulled pullRecord() {
    if (flushing >= 0) {
      return Pulled.DRY;
    }
    Item next = feed.next();
    if (next == null) {
      record = null;
      return Pulled.DRY;
    }
    newUnit.run();
    fed = true;
    records++;
    record = next;
    item = next;
    return Pulled.ITEM;
  }

  /** What a step made, with the labels that it is seen with from there on. */
  private static Item shown(Stage stage, Item out) {
    Labels computed = out.computed();
    Labels all = computed;
    if (stage.committed != null && !stage.committed.computed().isEmpty()) {
      all = stage.committed.computed().with(all);
    }
    if (!stage.inherited.isEmpty()) {
      all = stage.inherited.with(all);
    }
    Labels labels = stage.filter == null ? out.labels() : stage.filter.shown(out.labels());
    return all.equals(computed) && labels.equals(out.labels())
        ? out
        : new Relabelled(out, labels, all);
  }

  private static boolean isPresentable(Item item) {
    if (item.entry().isEmpty()) {
      LOG.warn("extension made a record without an entry: it is left out");
      item.body().close();
      return false;
    }
    if (item.computed().utf8Bytes() > COMPUTED_BYTES_MAX) {
      item.body().close();
      throw new PannierException.Invalid(
          "Computed labels take more than " + COMPUTED_BYTES_MAX + " bytes");
    }
    return true;
  }

  private static void closeMade(Stage stage) {
    Items made = stage.made;
    stage.made = null;
    stage.committed = null;
    if (made != null) {
      made.close();
    }
  }

  /** Leaves the record in work out. Returns the error as the client is told it. */
  private PannierException failed(PannierException error) {
    PannierException told = error;
    for (Stage stage : stages) {
      Item input = stage.input;
      quietly(() -> abandon(stage));
      if (input != null) {
        quietly(() -> stage.step.discard(input));
      }
    }
    Item inWork = record;
    record = null;
    if (inWork != null && flushing < 0) {
      quietly(() -> inWork.body().close());
      told = judging ? error : ErrorTexts.withRecord(error, inWork.entry(), inWork.timestamp());
    }
    judging = false;
    // What it has used up is its own.
    newUnit.run();
    if (told instanceof PannierException.Internal) {
      LOG.error("extension failed on {}", describe(inWork), error);
    }
    return told;
  }

  private static String describe(@Nullable Item item) {
    return item == null
        ? "the end of the data"
        : item.entry() + "/" + Timestamp.toString(item.timestamp());
  }

  private static void abandon(Stage stage) {
    Items processing = stage.processing;
    stage.processing = null;
    stage.input = null;
    stage.kept.clear();
    try {
      closeMade(stage);
    } finally {
      if (processing != null) {
        processing.close();
      }
    }
  }

  private static void quietly(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | StackOverflowError | LinkageError e) {
      LOG.warn("extension failed while it gave up a record", e);
    }
  }

  @Override
  public void close() {
    for (Stage stage : stages) {
      quietly(() -> abandon(stage));
      quietly(stage.step::close);
    }
    Item inWork = record;
    record = null;
    if (inWork != null) {
      quietly(() -> inWork.body().close());
    }
  }
}
