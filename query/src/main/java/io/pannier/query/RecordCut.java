package io.pannier.query;

import io.pannier.model.PannierException;
import io.pannier.model.Refusal;
import io.pannier.query.ext.Item;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * What extensions make of one stored record alone, some at a time; for whoever may wait. A query of
 * its own, which ends with {@link #close}.
 */
public final class RecordCut implements AutoCloseable {
  private static final int ITEMS_MAX = 64;
  private static final long BYTES_MAX = 4L << 20;

  /** A step that works on one record is bounded by its CPU time. */
  private static final ReadLimits LIMITS = new ReadLimits(10_000_000_000L, 10_000_000_000L);

  private final Queries queries;
  private final Query query;
  private boolean isAtEnd;

  RecordCut(Queries queries, Query query) {
    this.queries = queries;
    this.query = query;
  }

  /**
   * The next items, each entry and time once; waits for them.
   *
   * @return empty at the end; bodies are the caller's to close
   * @throws PannierException.NotFound when the record went away before all was made of it
   * @throws PannierException as the extensions have it, {@link PannierException.Invalid} where a
   *     label is missing, or {@link PannierException.Unavailable} when the server stops
   */
  public List<Item> next() {
    while (!isAtEnd) {
      var sink = new Some();
      var outcome = new CompletableFuture<ReadOutcome>();
      query.touch();
      query.read(sink, LIMITS, false, Runnable::run, outcome::complete);
      switch (outcome.join()) {
        case ReadOutcome.Batch(boolean last) -> {
          isAtEnd = last;
          if (!sink.isEmpty()) {
            return sink.items;
          }
        }
        case ReadOutcome.Nothing() -> {
          if (query.isGivenUp()) {
            throw new PannierException.Unavailable(Refusal.STOPPING, "Server is stopping", 1);
          }
          isAtEnd = true;
        }
        case ReadOutcome.Failed(PannierException.NotFound label) -> {
          sink.items.forEach(item -> item.body().close());
          throw new PannierException.Invalid(String.valueOf(label.getMessage()));
        }
        case ReadOutcome.Failed(PannierException error) -> {
          sink.items.forEach(item -> item.body().close());
          throw error;
        }
      }
    }
    if (query.recordsWorkedOn() == 0) {
      throw new PannierException.NotFound("The record is gone");
    }
    return List.of();
  }

  @Override
  public void close() {
    queries.end(query);
  }

  /** Takes a bounded number of items. */
  private static final class Some implements ItemSink {
    private record Place(String entry, long timestamp) {}

    private final List<Item> items = new ArrayList<>();
    private final Set<Place> places = new HashSet<>();
    private long bytes;

    @Override
    public boolean add(Item item) {
      if (!places.add(new Place(item.entry(), item.timestamp()))) {
        return false;
      }
      items.add(item);
      bytes += item.body().length();
      return true;
    }

    @Override
    public boolean isEmpty() {
      return items.isEmpty();
    }

    @Override
    public boolean isFull() {
      return items.size() >= ITEMS_MAX || bytes >= BYTES_MAX;
    }
  }
}
