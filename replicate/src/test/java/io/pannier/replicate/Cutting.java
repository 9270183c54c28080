package io.pannier.replicate;

import com.fasterxml.jackson.databind.JsonNode;
import io.pannier.model.Clock;
import io.pannier.query.ExtensionOptions;
import io.pannier.query.Extensions;
import io.pannier.query.Queries;
import io.pannier.query.RecordCut;
import io.pannier.query.Timers;
import io.pannier.query.WordsExtension;
import io.pannier.store.Bucket;
import io.pannier.store.StoredRecord;
import java.util.Optional;
import java.util.Random;

/**
 * Extensions at work for replications, as a server has them. They work on a thread of their own, on
 * which the thread of the test waits: what a seed does stays the same.
 */
final class Cutting implements Extractor {
  /** A record becomes its words, one a microsecond ({@link WordsExtension}). */
  static final String WORDS = "{'words': {}}";

  /** Time stands still: no step is ever told that it takes too long. */
  private static final Clock STILL =
      new Clock() {
        @Override
        public long wallMicros() {
          return 0;
        }

        @Override
        public long monotonicNanos() {
          return 0;
        }
      };

  private static final Timers NEVER = (delayNanos, task) -> () -> {};

  private static final Extensions EXTENSIONS =
      Extensions.open(
          new ExtensionOptions(1, 30_000_000_000L, 64L << 20, 1L << 30, Optional.empty()),
          STILL,
          NEVER);

  private final Queries queries;

  Cutting(Clock clock, long seed) {
    queries = new Queries(clock, new Random(seed), NEVER, EXTENSIONS);
  }

  @Override
  public void check(Optional<Bucket> source, JsonNode ext) {
    source.ifPresent(bucket -> queries.checkExtensions(bucket, ext));
  }

  @Override
  public RecordCut open(StoredRecord record, JsonNode ext) {
    return queries.cut(record, ext);
  }
}
